package config

import "time"

// Confirm says how the client's user is asked, where policy obliges to that.
type Confirm struct {
	// Timeout is how long the user may take.
	Timeout Duration `yaml:"timeout"`
	// KeyFile holds a secret that several proxies share, so that one takes what
	// another asked for (MCP 2026-07-28); empty: each process has a secret of its own.
	KeyFile string `yaml:"key_file"`
}

// DefaultConfirm is how long a user may take.
const DefaultConfirm = Duration(2 * time.Minute)

// Key is the shared secret; nil if there is none.
func (c Confirm) Key() ([]byte, error) {
	if c.KeyFile == "" {
		return nil, nil
	}
	key, err := ReadToken(c.KeyFile)
	return []byte(key), err
}

func (c *Config) validateConfirm(fail func(path, format string, args ...any)) {
	if d := c.Confirm.Timeout.D(); d < time.Second || d > 10*time.Minute {
		fail("confirm.timeout", "confirm.timeout must be between 1s and 10m")
	}
}
