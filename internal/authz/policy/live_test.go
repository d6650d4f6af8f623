package policy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/open-policy-agent/opa/v1/ast"
)

// small loads a policy of one rule, which hands on what the guardrails in dir
// deny, so that a thousand of them compile within seconds.
func small(dir string) func(context.Context) (*Engine, error) {
	const decision = `package ecsmcp.authz

visible := []

decision := {"allow": false, "accesses": [` + allowed + `], "denies": [{"code": "c", "message": m} | some name; some m in data.ecsmcp.guardrails[name].deny]}
`
	return func(ctx context.Context) (*Engine, error) {
		source, err := ReadPaths(dir)
		if err != nil {
			return nil, err
		}
		module, err := parseModule("decision.rego", []byte(decision))
		if err != nil {
			return nil, err
		}
		modules := map[string]*ast.Module{"decision.rego": module}
		data, err := joinSources(modules, []Source{source})
		if err != nil {
			return nil, err
		}
		return newEngine(ctx, nativeAnswers, modules, data, source.Warnings())
	}
}

// replace puts text in place of mine.rego, whole: by renaming.
func replace(t testing.TB, dir, text string) {
	t.Helper()
	next := filepath.Join(dir, ".next")
	if err := errors.Join(os.WriteFile(next, []byte(text), 0o644), os.Rename(next, filepath.Join(dir, "mine.rego"))); err != nil {
		t.Fatal(err)
	}
}

func saying(message string) string {
	return inMine + fmt.Sprintf("deny contains %q if input.persona == \"all\"\n", message)
}

// decided asks the policy in force and returns its revision and what it denied with.
func decided(t testing.TB, l *Live) (revision, message string) {
	t.Helper()
	e, err := l.Engine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := e.Decide(t.Context(), request("all", deleteService(in("us-east-1"))))
	if err != nil || len(d.Denies) != 1 {
		t.Fatalf("got %+v, %v", d, err)
	}
	return d.Revision, d.Denies[0].Message
}

func TestThousandReloadsUnderLoad(t *testing.T) {
	dir := folder(t, saying("a"))
	log, logged := observer.New(zap.WarnLevel)
	l := NewLive(small(dir), zap.New(log), 0)
	revisions := map[string]string{}
	for _, message := range []string{"b", "a"} {
		replace(t, dir, saying(message))
		if err := l.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		revisions[message], _ = decided(t, l)
	}
	if revisions["a"] == revisions["b"] {
		t.Fatal("two policies have one revision")
	}
	logged.TakeAll()

	var stop atomic.Bool
	var decisions atomic.Int64
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for !stop.Load() {
				e, err := l.Engine(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				for range 2 { // as a call asks twice, before and after facts are looked up
					d, err := e.Decide(t.Context(), request("all", deleteService(in("us-east-1"))))
					if err != nil || len(d.Denies) != 1 || d.Revision != revisions[d.Denies[0].Message] || d.Revision != e.Revision() {
						t.Errorf("got %+v, %v", d, err)
						return
					}
					decisions.Add(1)
				}
			}
		})
	}
	whole := saying("a")
	broken := []string{whole[:len(whole)/2], "package ecsmcp.authz\n\nallow := true\n", inMine + "deny if true\n", inMine + "deny contains x if input.x\n", ""}
	refused := 0
	for i := range 1000 {
		if i%2 == 0 {
			replace(t, dir, broken[i/2%len(broken)])
		} else {
			replace(t, dir, saying(string("ab"[i/2%2])))
		}
		if err := l.Reload(t.Context()); (err != nil) != (i%2 == 0) {
			t.Fatalf("reload %d: %v", i, err)
		} else if err != nil {
			refused++
		}
	}
	stop.Store(true)
	group.Wait()
	if decisions.Load() < 100 || refused != 500 {
		t.Errorf("%d decisions, %d reloads refused", decisions.Load(), refused)
	}
	if n := logged.FilterLevelExact(zap.ErrorLevel).Len(); n != 500 {
		t.Errorf("%d errors were logged, want one for each broken policy", n)
	}
}

// within waits for what happens in its own time.
func within(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not happen: %s", what)
		}
	}
}

// live starts a Live over dir that watches it.
func live(t testing.TB, dir string) (*Live, *observer.ObservedLogs) {
	t.Helper()
	core, logged := observer.New(zap.InfoLevel)
	l := NewLive(small(dir), zap.New(core), 0)
	ctx, cancel := context.WithCancel(context.Background())
	changes := make(chan struct{}, 1)
	Watch(ctx, zap.New(core), changes, dir)
	if err := l.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { l.Run(ctx, changes); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return l, logged
}

func TestPolicyFollowsItsFiles(t *testing.T) {
	swap := func(t *testing.T, dir, to string) { // as kubelet does it
		t.Helper()
		if err := errors.Join(os.Symlink(to, filepath.Join(dir, "..next")), os.Rename(filepath.Join(dir, "..next"), filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		prepare func(t *testing.T, dir string)
		change  func(t *testing.T, dir string)
	}{
		"written in place": {func(t *testing.T, dir string) { write(t, dir, saying("a")) }, func(t *testing.T, dir string) { write(t, dir, saying("b")) }},
		"renamed over":     {func(t *testing.T, dir string) { write(t, dir, saying("a")) }, func(t *testing.T, dir string) { replace(t, dir, saying("b")) }},
		"removed and made again": {func(t *testing.T, dir string) { write(t, dir, saying("a")) }, func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			time.Sleep(quietTime + 100*time.Millisecond)
			write(t, dir, saying("b"))
		}},
		"in a new directory": {func(t *testing.T, dir string) { write(t, dir, saying("a")) }, func(t *testing.T, dir string) {
			if err := errors.Join(os.Mkdir(filepath.Join(dir, "new"), 0o755), os.Rename(filepath.Join(dir, "mine.rego"), filepath.Join(dir, "new", "mine.rego"))); err != nil {
				t.Fatal(err)
			}
			time.Sleep(quietTime + 100*time.Millisecond)
			write(t, filepath.Join(dir, "new"), saying("b"))
		}},
		"swapped by a link": {func(t *testing.T, dir string) {
			write(t, dir, "-- ..1/mine.rego --\n"+saying("a")+"-- ..2/mine.rego --\n"+saying("b"))
			swap(t, dir, "..1")
			if err := os.Symlink("..data/mine.rego", filepath.Join(dir, "mine.rego")); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, dir string) { swap(t, dir, "..2") }},
		"behind a link": {func(t *testing.T, dir string) {
			write(t, dir, "-- .elsewhere/mine.rego --\n"+saying("a"))
			if err := os.Symlink(filepath.Join(dir, ".elsewhere", "mine.rego"), filepath.Join(dir, "mine.rego")); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, dir string) { replace(t, filepath.Join(dir, ".elsewhere"), saying("b")) }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "policy")
			tt.prepare(t, dir)
			l, _ := live(t, dir)
			before, message := decided(t, l)
			if message != "a" {
				t.Fatalf("at first it says %q", message)
			}
			tt.change(t, dir)
			within(t, "another policy", func() bool { revision, message := decided(t, l); return message == "b" && revision != before })
		})
	}
}

func TestABrokenPolicyReplacesNothingAndIsSaidLoudly(t *testing.T) {
	dir := folder(t, saying("a"))
	l, logged := live(t, dir)
	revision, _ := decided(t, l)
	count := func(part string) int {
		return len(logged.Filter(func(e observer.LoggedEntry) bool { return strings.Contains(e.Message, part) }).All())
	}
	replace(t, dir, inMine+"deny if true\n") // at once: half a file would be another error
	within(t, "an error", func() bool { return count("the last good policy decides on (revision "+revision+")") == 1 })
	if count("mine.rego:3: deny must be a set") != 1 {
		t.Errorf("the finding is not logged: %v", logged.All())
	}
	if now, message := decided(t, l); now != revision || message != "a" {
		t.Errorf("revision %s says %q", now, message)
	}
	l.remind()
	if count("deny must be a set") != 2 {
		t.Error("it is not repeated")
	}
	replace(t, dir, saying("a"))
	within(t, "the end of it", func() bool { return count("policy is well again") == 1 })
	if after, ok := logged.FilterMessage("policy is well again").All()[0].ContextMap()["after"].(string); !ok || !strings.HasSuffix(after, "s") {
		t.Errorf("it was wrong for %q, which is no duration", after)
	}
	if now, _ := decided(t, l); now != revision {
		t.Errorf("the same policy has revision %s now", now)
	}
	l.remind()
	if count("deny must be a set") != 2 {
		t.Error("what was repaired is repeated")
	}
}

func TestCallsWaitForThePolicyAndAreRefusedWithoutIt(t *testing.T) {
	t.Run("for as long as they can", func(t *testing.T) {
		l := NewLive(small(folder(t, saying("a"))), zap.NewNop(), 0)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := l.Engine(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.AfterFunc(50*time.Millisecond, func() { l.Reload(context.Background()) })
		if _, message := decided(t, l); message != "a" {
			t.Errorf("it says %q", message)
		}
	})
	t.Run("for a bounded time", func(t *testing.T) {
		l := NewLive(small(folder(t, saying("a"))), zap.NewNop(), 20*time.Millisecond)
		l.Report("bundle", errors.New("connection refused"))
		l.Report("policy", errors.New("syntax error"))
		if _, err := l.Engine(t.Context()); !errors.Is(err, ErrPolicy) || !strings.Contains(err.Error(), "connection refused\nsyntax error") {
			t.Errorf("got %v", err)
		}
		if err := l.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, message := decided(t, l); message != "a" {
			t.Errorf("when it has come it says %q", message)
		}
	})
	t.Run("whatever loading does", func(t *testing.T) {
		for _, load := range []func(context.Context) (*Engine, error){
			func(context.Context) (*Engine, error) { panic("compiler") },
			func(context.Context) (*Engine, error) { return nil, nil },
		} {
			l := NewLive(load, zap.NewNop(), time.Nanosecond)
			if err := l.Reload(t.Context()); !errors.Is(err, ErrPolicy) {
				t.Errorf("got %v", err)
			}
			if e, err := l.Engine(t.Context()); e != nil || !errors.Is(err, ErrPolicy) {
				t.Errorf("got %v, %v", e, err)
			}
		}
	})
}
