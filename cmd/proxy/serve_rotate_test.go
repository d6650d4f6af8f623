package main

import (
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// Clients call while the audit log is moved away and SIGHUP is sent, as logrotate
// does it: serve goes on, and no line is lost.
func TestServeGoesOnWhileItsRecordIsRotated(t *testing.T) {
	t.Parallel()
	const clients, calls, rotations = 3, 6, 4
	s := serve(t, "")
	path := filepath.Join(s.dir, "audit.jsonl")
	var working sync.WaitGroup
	for range clients {
		client := s.connect(t, "reader")
		working.Go(func() {
			for range calls {
				if text, isError := operate(t, client, "ListClusters", map[string]any{}); isError {
					t.Error(text)
				}
			}
		})
	}
	files := []string{path}
	for i := range rotations {
		moved := path + "." + string(rune('a'+i))
		if err := os.Rename(path, moved); err == nil { // else nothing was written since
			files = append(files, moved)
		}
		must(t, s.cmd.Process.Signal(syscall.SIGHUP))
	}
	working.Wait()
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	<-s.ended
	if _, err := os.Stat(path); err != nil {
		files = files[1:]
	}
	said := regexp.MustCompile(`head of the audit log \{"head": "([^"]+)"`).FindAllStringSubmatch(s.log(), -1)
	if len(said) == 0 {
		t.Fatal("the head was not said at the end")
	}
	head, err := audit.ParseHead(said[len(said)-1][1])
	must(t, err)
	r, err := audit.Verify(files, audit.Expect{Heads: []audit.Head{head}})
	must(t, err)
	if want := 2 * clients * calls; len(r.Problems) > 0 || r.Lines < want || r.Proven != r.Head {
		t.Errorf("%d lines in %d files, want %d; proven up to %v of %v; %v", r.Lines, len(files), want, r.Proven, r.Head, r.Problems)
	}
}
