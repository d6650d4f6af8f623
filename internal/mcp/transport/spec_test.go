//go:build linux && !unguarded

package transport

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestStartSaysWhatIsWrongWithTheCommand(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		spec Spec
		says string
	}{
		"no command":                                    {Spec{}, "no command"},
		"an empty command":                              {Spec{Command: []string{"", "x"}}, "no command"},
		"a name not on PATH":                            {Spec{Command: []string{"no-such-server"}}, `"no-such-server" is not on PATH; install it`},
		"a path that is not there":                      {Spec{Command: []string{dir + "/nothing"}}, "does not exist; check the path"},
		"a file without x":                              {Spec{Command: []string{file("plain", "#!/bin/sh\n", 0o644)}}, "not executable; chmod +x"},
		"a directory":                                   {Spec{Command: []string{dir}}, "not executable"},
		"a missing interpreter":                         {Spec{Command: []string{file("script", "#!/no/such/interpreter\n", 0o755)}}, "interpreter in its first line does not"},
		"a script without #!":                           {Spec{Command: []string{file("bare", "echo x\n", 0o755)}}, "a script needs a #! line"},
		"a missing directory":                           {Spec{Command: []string{"sh"}, Dir: dir + "/nowhere"}, "is not a directory"},
		"a NUL in an argument":                          {Spec{Command: []string{"sh", "a\x00b"}}, "NUL"},
		"a NUL in the environment":                      {Spec{Command: []string{"sh"}, Env: []string{"A=\x00"}}, "NUL"},
		"an environment that is too long for a program": {Spec{Command: []string{"sh"}, Env: []string{"A=" + strings.Repeat("x", 8<<20)}}, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			child, err := Start(c.spec)
			if child != nil || !errors.Is(err, ErrCommand) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an ErrCommand that says %q", err, c.says)
			}
		})
	}
	expectNoZombies(t)
}

func TestRelativeCommandIsTakenFromTheDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "server"), []byte("#!/bin/sh\nexit 4\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := start(t, Spec{Command: []string{"./server"}, Dir: dir})
	if exit := c.Wait(); exit.Code != 4 {
		t.Errorf("got %v", exit)
	}
}

func TestStartWithoutAGuard(t *testing.T) {
	for name, guard := range map[string][]string{
		"that does not exist": {"/no/such/guard", "guard"},
		"that is no guard":    {"/proc/self/exe", "exit", "x", "0"},
	} {
		child, err := Start(Spec{Command: []string{"sh"}, Guard: guard})
		if child != nil || !errors.Is(err, ErrGuard) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestGuardByHandExplainsItself(t *testing.T) {
	for _, args := range [][]string{{"guard"}, {"guard", "sh"}} {
		out, err := exec.Command("/proc/self/exe", args...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitMisuse || !strings.Contains(string(out), "nothing to run by hand") {
			t.Errorf("%v: got %v, %s", args, err, out)
		}
	}
}

func TestUndumpable(t *testing.T) {
	out, err := exec.Command("/proc/self/exe", "undumpable").CombinedOutput()
	if err != nil || string(out) != "0 0 0\nexit code 0\n" {
		t.Errorf("got %q, %v", out, err)
	}
}
