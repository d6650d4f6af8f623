package docstest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Shell is a terminal that a reader works in: what one command exports, and
// where it goes, counts for the next.
type Shell struct {
	dir   string // where it began
	env   []string
	state string // a file that restores what the last command left
}

// NewShell returns a shell in dir with these variables. It keeps its own state
// in a file under keep, another directory.
func NewShell(dir, keep string, env ...string) *Shell {
	return &Shell{dir: dir, env: env, state: filepath.Join(keep, "shell")}
}

// Run runs one command and returns its output, both streams as they came, and
// how it ended. An error means that it could not be run at all.
func (s *Shell) Run(command string) (output string, code int, err error) {
	restore := ""
	if _, err := os.Stat(s.state); err == nil {
		restore = ". '" + s.state + "'\n"
	}
	shell := exec.Command("sh", "-c", restore+command+"\ncode=$?\n{ export -p; echo \"cd '$PWD'\"; } > '"+s.state+"'\nexit $code")
	shell.Dir, shell.Env = s.dir, s.env
	out, err := shell.CombinedOutput()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return string(out), failed.ExitCode(), nil
	}
	if err != nil {
		return string(out), 0, fmt.Errorf("run %s: %w", strings.TrimSpace(command), err)
	}
	return string(out), 0, nil
}
