package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Several proxies write one log as fast as they can while it is moved away again
// and again, as logrotate does with "create" and with "nocreate": no line is lost,
// torn or there twice, and all files together are one chain.
func TestRotationLosesNoLine(t *testing.T) {
	const proxies, writers, rotations = 3, 4, 20
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var logs []*Log
	var working sync.WaitGroup
	var lines atomic.Int64
	rotated := make(chan struct{})
	for range proxies {
		l, err := OpenWithKey(path, testKey)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		logs = append(logs, l)
		for range writers {
			working.Go(func() {
				for {
					select {
					case <-rotated:
						return
					default:
					}
					if err := l.Append(Record{Phase: PhaseEvent, DecisionID: NewID(), Message: strings.Repeat("x", 700)}); err != nil {
						t.Error(err)
						return
					}
					lines.Add(1)
				}
			})
		}
	}
	files := []string{path}
	for i := range rotations {
		for began := time.Now(); ; time.Sleep(100 * time.Microsecond) { // each file gets some lines
			if info, err := os.Stat(path); err == nil && info.Size() > 20_000 {
				break
			}
			if t.Failed() || time.Since(began) > time.Minute {
				t.Error("nothing is written")
				break
			}
		}
		moved := fmt.Sprintf("%s.%d", path, i)
		if err := os.Rename(path, moved); err != nil {
			t.Error(err)
			break
		}
		files = append(files, moved)
		if i%2 == 0 {
			f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err == nil {
				err = f.Close()
			}
			if err != nil && !os.IsExist(err) {
				t.Error(err)
			}
		}
	}
	close(rotated)
	working.Wait()
	if err := logs[0].Append(Record{Phase: PhaseEvent, DecisionID: "last"}); err != nil { // so that path is there
		t.Fatal(err)
	}
	r := whole(t, Expect{Key: testKey, Heads: []Head{logs[0].Head(), logs[1].Head(), logs[2].Head()}}, files...)
	if want := lines.Load() + 1; int64(r.Lines) != want || r.Head.Seq != uint64(want) || r.Proven != r.Head || len(r.Notes) > 0 {
		t.Errorf("%d lines, up to %v, proven up to %v, want %d; %v", r.Lines, r.Head, r.Proven, want, r.Notes)
	}
}

func TestTheChainGoesOn(t *testing.T) {
	// do is what happens to a log of three lines between two runs.
	read := func(t *testing.T, path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	put := func(t *testing.T, path string, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	three := func(b []byte) [][]byte { return bytes.SplitAfter(b, []byte("\n")) }
	tests := []struct {
		name string
		do   func(t *testing.T, path string)
		// problem and event are parts of what is found and recorded; empty: nothing is.
		problem, event string
	}{
		{"over a restart", func(*testing.T, string) {}, "", ""},
		{"over a move while nobody writes", func(t *testing.T, path string) {
			if err := os.Rename(path, path+".1"); err != nil {
				t.Fatal(err)
			}
		}, "", ""},
		{"after a crash within a line", func(t *testing.T, path string) {
			put(t, path, append(read(t, path), `{"phase":"deci`...))
		}, "", ""},
		{"after a crash before the line was marked", func(t *testing.T, path string) {
			kept := read(t, markPath(path))
			appendOne(t, path)
			put(t, markPath(path), kept)
		}, "", ""},
		{"after a crash that lost two marks, and within a line", func(t *testing.T, path string) {
			kept := read(t, markPath(path))
			appendOne(t, path)
			appendOne(t, path)
			put(t, path, append(read(t, path), "{"...))
			put(t, markPath(path), kept)
		}, "", ""},
		{"after a crash before a newline", func(t *testing.T, path string) {
			kept := read(t, markPath(path))
			appendOne(t, path)
			put(t, path, bytes.TrimSuffix(read(t, path), []byte("\n")))
			put(t, markPath(path), kept)
		}, "", ""},
		{"without a mark", func(t *testing.T, path string) {
			if err := os.Remove(markPath(path)); err != nil {
				t.Fatal(err)
			}
		}, "", ""},
		{"with an unreadable mark", func(t *testing.T, path string) { put(t, markPath(path), make([]byte, markSize)) },
			"", "where the log ended was not kept"},
		{"after the last line was cut off", func(t *testing.T, path string) { put(t, path, bytes.Join(three(read(t, path))[:2], nil)) },
			"line 4 of the log comes after line 2: 1 are missing", "the log does not end as it was left, with 3:"},
		{"after a line was added by another hand", func(t *testing.T, path string) {
			put(t, path, append(read(t, path), `{"seq":4,"prev":"`+strings.Repeat("0", 64)+`"}`+"\n"...))
		}, "line 4 of the log does not follow from line 3", "the log does not end as it was left, with 3:"},
		{"after the log was emptied", func(t *testing.T, path string) { put(t, path, nil) },
			"the log begins with line 4", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			for range 3 {
				appendOne(t, path)
			}
			tt.do(t, path)
			appendOne(t, path)
			files, err := filepath.Glob(path + "*")
			if err != nil {
				t.Fatal(err)
			}
			r, err := Verify(files, Expect{Key: testKey})
			if err != nil {
				t.Fatal(err)
			}
			if text := fmt.Sprint(r.Problems); (tt.problem == "") != (len(r.Problems) == 0) || !strings.Contains(text, tt.problem) {
				t.Errorf("want %q in %s", tt.problem, text)
			}
			now := string(read(t, path))
			if tt.event != "" && !strings.Contains(now, tt.event) || tt.event == "" && strings.Contains(now, `"class":"audit"`) {
				t.Errorf("want %q recorded in\n%s", tt.event, now)
			}
		})
	}
}

// appendOne is one run with one record.
func appendOne(t *testing.T, path string) {
	t.Helper()
	l, err := OpenWithKey(path, testKey)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Append(Record{Phase: PhaseOutcome, DecisionID: "one"}); err != nil {
		t.Fatal(err)
	}
}

func TestAProcessThatHoldsTheLockDoesNotHoldUpCallsForever(t *testing.T) {
	l, path := open(t)
	other, err := openMark(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.file.Close()
	unlock, err := other.lock()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		if err := l.Append(Record{DecisionID: "x"}); !errors.Is(err, ErrAudit) || !strings.Contains(err.Error(), "another process has held it for 5s") {
			t.Errorf("err = %v", err)
		}
	})
	unlock()
	if err := l.Append(Record{DecisionID: "x"}); err != nil {
		t.Error(err)
	}
}
