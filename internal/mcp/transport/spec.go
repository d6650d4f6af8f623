package transport

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

var (
	// ErrCommand: the command cannot be started; the text says why and what to do.
	ErrCommand = errors.New("start server")
	// ErrNotFound: there is no such command; it is an ErrCommand too.
	ErrNotFound = fmt.Errorf("%w: not found", ErrCommand)
	// ErrGuard: the guard could not do its work, or was killed.
	ErrGuard = errors.New("guard of the server")
)

// Spec is what to start.
type Spec struct {
	Command []string // a program, looked up on the proxy's PATH unless it holds a slash, and its arguments
	Env     []string // the exact environment, as NAME=VALUE; nothing is inherited
	Dir     string   // working directory; empty is the proxy's own
	// Stderr receives the command's standard error; nil drops it. An *os.File
	// is handed to the command itself.
	Stderr io.Writer
	// Guard is the command line that runs RunGuard; empty means "guard" as the
	// first argument of this binary. The guard's name is the proxy's own, so
	// that a list of processes shows what it belongs to.
	Guard []string
}

func (s Spec) guard() (path string, args []string) {
	if len(s.Guard) == 0 {
		// The link works even if the file was replaced by an upgrade meanwhile.
		return "/proc/self/exe", []string{os.Args[0], "guard"}
	}
	return s.Guard[0], append([]string{os.Args[0]}, s.Guard[1:]...)
}

// order turns the specification into what the guard is told, and finds most
// mistakes before anything is started.
func (s Spec) order() (order, error) {
	if len(s.Command) == 0 || s.Command[0] == "" {
		return order{}, fmt.Errorf("%w: no command; name the program that runs the MCP server", ErrCommand)
	}
	if s.Dir != "" {
		if info, err := os.Stat(s.Dir); err != nil || !info.IsDir() {
			return order{}, fmt.Errorf("%w: working directory %q is not a directory; create it or name another", ErrCommand, s.Dir)
		}
	}
	path, err := s.find(s.Command[0])
	if err != nil {
		return order{}, err
	}
	return order{path: path, dir: s.Dir, args: s.Command, env: s.Env}, nil
}

// Check reports whether the command could be started now, as far as can be told
// without doing it. The error is an ErrCommand.
func (s Spec) Check() error {
	_, err := s.order()
	return err
}

func (s Spec) find(name string) (string, error) {
	if strings.Contains(name, "/") && !filepath.IsAbs(name) {
		var err error
		if name, err = filepath.Abs(filepath.Join(s.Dir, name)); err != nil {
			return "", fmt.Errorf("%w: %w", ErrCommand, err)
		}
	}
	path, err := exec.LookPath(name)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("%w: command %q is not on PATH; install it or give its full path", ErrNotFound, name)
	case errors.Is(err, exec.ErrDot):
		return "", fmt.Errorf("%w: command %q was only found in the current directory; write ./%s if that is meant", ErrCommand, name, name)
	case errors.Is(err, fs.ErrNotExist):
		return "", explain(name, syscall.ENOENT)
	case err != nil:
		return "", explain(name, syscall.EACCES)
	}
	return path, nil
}

// explain words why execve(2) refused a program.
func explain(path string, errno syscall.Errno) error {
	switch errno {
	case syscall.ENOENT:
		if _, err := os.Stat(path); err == nil {
			return fmt.Errorf("%w: command %q exists, but the interpreter in its first line does not; install it", ErrCommand, path)
		}
		return fmt.Errorf("%w: command %q does not exist; check the path", ErrNotFound, path)
	case syscall.EACCES, syscall.EPERM:
		return fmt.Errorf("%w: command %q is not executable; chmod +x it, or run it through its interpreter", ErrCommand, path)
	case syscall.ENOEXEC:
		return fmt.Errorf("%w: command %q is no program for this machine; a script needs a #! line", ErrCommand, path)
	case syscall.E2BIG:
		return fmt.Errorf("%w: the arguments and the environment of command %q are too long; pass less", ErrCommand, path)
	}
	return fmt.Errorf("%w: command %q: %w", ErrCommand, path, errno)
}
