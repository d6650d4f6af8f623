package grant

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/testkit"
)

func listenAt(t *testing.T, address, file string) *Endpoint {
	t.Helper()
	e, err := ListenAt(address, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func TestAServerThatTheProxyDidNotStartFindsItsTokenInAFile(t *testing.T) {
	address, file := testkit.FreeAddress(t), filepath.Join(t.TempDir(), "token")
	e := listenAt(t, address, file)
	defer e.Lease(canaryGrant())()
	url := "http://" + address + "/credentials"
	if got, want := strings.Join(e.Environ(), " "), "AWS_CONTAINER_CREDENTIALS_FULL_URI="+url+" AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="+file; got != want {
		t.Errorf("environment %s, want %s", got, want)
	}
	token, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if status, body := ask(t, "GET", url, "", string(token)); status != http.StatusOK || body["SecretAccessKey"] != canary {
		t.Errorf("with the token: %d", status)
	}
	if status, _ := ask(t, "GET", url, "", "x"); status != http.StatusUnauthorized {
		t.Errorf("with another: %d", status)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 0 {
		t.Errorf("Close leaves %v, %v", left, err)
	}
}

func TestEachStartHasATokenOfItsOwn(t *testing.T) {
	address, file := testkit.FreeAddress(t), filepath.Join(t.TempDir(), "token")
	seen := map[string]bool{}
	for range 3 {
		e := listenAt(t, address, file)
		token, err := os.ReadFile(file)
		if err != nil || len(token) < 32 || seen[string(token)] || strings.TrimSpace(string(token)) != string(token) {
			t.Fatalf("token %q, %v", token, err)
		}
		seen[string(token)] = true
		e.server.Close() // as if it had been killed: its file stays and is replaced
		<-e.served
	}
}

func TestASecondProxyOnTheAddressLeavesTheFirstItsToken(t *testing.T) {
	address, file := testkit.FreeAddress(t), filepath.Join(t.TempDir(), "token")
	first := listenAt(t, address, file)
	if e, err := ListenAt(address, file); err == nil {
		e.Close()
		t.Fatal("two on one address")
	}
	if token, err := os.ReadFile(file); err != nil || string(token) != first.token() {
		t.Errorf("the first's token is gone: %v", err)
	}
}

func TestOnlyALoopbackAddressIsListenedOn(t *testing.T) {
	dir := t.TempDir()
	for _, address := range []string{
		"", ":9911", "9911", "127.0.0.1", "0.0.0.0:9911", "[::]:9911", "localhost:9911", "192.168.0.1:9911", "169.254.170.2:80", "10.0.0.1:9911",
		"127.0.0.1:0", "127.0.0.1:x", "127.0.0.1:65536", "127.1:9911", "[::1%lo]:9911", "[::ffff:10.0.0.1]:9911", "example.com:9911", "http://127.0.0.1:9911",
	} {
		e, err := ListenAt(address, filepath.Join(dir, "token"))
		if err == nil {
			e.Close()
			t.Errorf("%q is listened on", address)
		} else if !strings.Contains(err.Error(), "write it like 127.0.0.1:9911") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("a refusal leaves %v, %v", left, err)
	}
}

func TestATokenIsWrittenNowhereButIntoAFileOfOnesOwn(t *testing.T) {
	tests := map[string]struct {
		make func(t *testing.T, file string)
		want string
	}{
		"no directory":        {func(t *testing.T, file string) { must(t, os.Remove(filepath.Dir(file))) }, "no such file or directory"},
		"a directory":         {func(t *testing.T, file string) { must(t, os.Mkdir(file, 0o700)) }, "not a regular file"},
		"a symlink":           {func(t *testing.T, file string) { must(t, os.Symlink(filepath.Join(t.TempDir(), "x"), file)) }, "not a regular file"},
		"a symlink to a file": {linkToOwn, "not a regular file"},
		"a file others read":  {func(t *testing.T, file string) { put(t, file, 0o640) }, "has mode 0640"},
		"a file others write": {func(t *testing.T, file string) { put(t, file, 0o602) }, "has mode 0602"},
		"a file in the way": {func(t *testing.T, file string) {
			must(t, os.Remove(filepath.Dir(file)))
			put(t, filepath.Dir(file), 0o600)
		}, "not a directory"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			must(t, os.Mkdir(dir, 0o700))
			file := filepath.Join(dir, "token")
			tt.make(t, file)
			address := testkit.FreeAddress(t)
			e, err := ListenAt(address, file)
			if err == nil {
				e.Close()
			}
			if !errors.Is(err, ErrTokenFile) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want %s", err, tt.want)
			}
			if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
				c.Close()
				t.Error("it listens all the same")
			}
			entries, _ := os.ReadDir(dir)
			for _, entry := range entries {
				if entry.Name() != "token" {
					t.Errorf("it leaves %s", entry.Name())
				}
			}
		})
	}
}

func TestAFileOfAnotherUserIsNotReplaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	put(t, file, 0o600)
	if err := replaceable(file, os.Geteuid(), noGroup); err != nil {
		t.Error(err)
	}
	if err := replaceable(file, os.Geteuid()+1, noGroup); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("err = %v", err)
	}
}

func TestCloseLeavesAFileThatSomebodyElsePutThere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	e := listenAt(t, testkit.FreeAddress(t), file)
	must(t, os.Remove(file))
	put(t, file, 0o600)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "theirs" {
		t.Errorf("%q, %v", text, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, file string, mode os.FileMode) {
	t.Helper()
	must(t, os.WriteFile(file, []byte("theirs"), mode))
	must(t, os.Chmod(file, mode)) // whatever the umask
}

func linkToOwn(t *testing.T, file string) {
	t.Helper()
	own := filepath.Join(t.TempDir(), "own")
	put(t, own, 0o600)
	must(t, os.Symlink(own, file))
}

// A server in a container of its own runs as another user, and shares no more
// than a group with the proxy.
func TestAGroupMayReadTheTokenIfItIsNamed(t *testing.T) {
	group := os.Getegid()
	if group == 0 { // root's own is not one to share
		group = 65532
	}
	file := filepath.Join(t.TempDir(), "token")
	for range 2 { // the second replaces what a killed proxy left
		e, err := ListenForGroup(testkit.FreeAddress(t), file, group)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(file)
		must(t, err)
		if of, ok := ownerOf(info); info.Mode().Perm() != 0o640 || !ok || of.group != group {
			t.Errorf("%v, %+v", info.Mode(), of)
		}
		must(t, os.Link(file, file+".kept"))
		must(t, e.Close())
		must(t, os.Rename(file+".kept", file))
	}
	if err := replaceable(file, os.Geteuid(), group+1); err == nil {
		t.Error("another group's file was taken")
	}
	if err := replaceable(file, os.Geteuid(), noGroup); err == nil {
		t.Error("a group's file was taken for a private one")
	}
}
