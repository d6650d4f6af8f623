package config

import (
	"net"
	"strconv"
)

// Admin is where operators look: health, readiness, metrics. It is never on the
// clients' address.
type Admin struct {
	// Address is HOST:PORT; empty opens nothing.
	Address string `yaml:"address"`
}

// DefaultAdminAddress is what is meant for admin.address.
const DefaultAdminAddress = "127.0.0.1:9090"

// AdminIsLoopback reports whether only this machine reaches the admin address.
func (c *Config) AdminIsLoopback() bool {
	host, _, err := net.SplitHostPort(c.Admin.Address)
	return err == nil && isLoopback(host)
}

func (c *Config) validateAdmin(fail func(path, format string, args ...any)) {
	if c.Admin.Address == "" {
		return
	}
	_, port, err := net.SplitHostPort(c.Admin.Address)
	if _, notPort := strconv.ParseUint(port, 10, 16); err != nil || notPort != nil {
		fail("admin.address", "admin.address must be HOST:PORT, such as %s; left out, there is none", DefaultAdminAddress)
		return
	}
	if c.Admin.Address == c.Listen.Address && port != "0" {
		fail("admin.address", "admin.address is listen.address; clients must not reach it, so give it another")
	}
}
