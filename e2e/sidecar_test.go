//go:build e2e

package e2e

import (
	"os"
	"regexp"
	"testing"
	"time"
)

// startSidecar starts serve until the test ends and returns where it serves.
func startSidecar(t *testing.T, dir, config string) (url string) {
	t.Helper()
	p, err := start(dir, proxyEnviron(dir), world.binary, "serve", "--config", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		family := descendants(p.cmd.Process.Pid)
		_ = p.cmd.Process.Signal(os.Interrupt)
		<-p.ended
		for _, pid := range family {
			if alive(pid) {
				t.Errorf("process %d outlived it: %s", pid, commandLine(pid))
			}
		}
		if t.Failed() {
			t.Log(p.stderr.String())
		}
	})
	where := regexp.MustCompile(`"url": "(http://[^"]+)"`)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if found := where.FindStringSubmatch(p.stderr.String()); found != nil {
			return found[1]
		}
	}
	t.Fatal("it does not serve")
	return ""
}
