package audit

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var testKey = Key(strings.Repeat("k", 32))

// whole fails if the files are not one chain.
func whole(t *testing.T, expect Expect, paths ...string) Report {
	t.Helper()
	r, err := Verify(paths, expect)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		t.Error(p)
	}
	return r
}

// written is a log of n lines, whose head is known.
func written(t *testing.T, n int, key Key) (lines [][]byte, head Head) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, err := OpenWithKey(path, key)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i := range n {
		if err := l.Append(Record{Phase: PhaseEvent, DecisionID: fmt.Sprintf("decision%d", i+1), Message: "text of it"}); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(bytes.Lines(b)), l.Head()
}

func TestVerifyFindsWhatWasDoneToALog(t *testing.T) {
	edit := func(line []byte) []byte { return bytes.Replace(line, []byte("text of it"), []byte("text of me"), 1) }
	type lines = [][]byte
	tests := []struct {
		name string
		do   func(lines) lines
		// want is part of the only problem without a key and an anchor; empty for none.
		want string
		// Further ways to find it. A key and an anchor are never worse than none.
		byKey, byHead string
	}{
		{name: "nothing", do: func(l lines) lines { return l }},
		{"a line is changed", func(l lines) lines { l[3] = edit(l[3]); return l },
			"line 5 of the log does not follow from line 4, which was changed", "line 4 of the log was not signed with this key, or was changed since", ""},
		{"the last line is changed", func(l lines) lines { l[7] = edit(l[7]); return l },
			"", "line 8 of the log was not signed with this key", "line 8 of the log is not the one that it was"},
		{"a line is given another number", func(l lines) lines {
			l[3] = bytes.Replace(l[3], []byte(`"seq":4`), []byte(`"seq":40`), 1)
			return l
		}, "line 40 of the log comes after line 3: 36 are missing", "", ""},
		{"a line is removed", func(l lines) lines { return slices.Delete(l, 3, 4) },
			"line 5 of the log comes after line 3: 1 are missing", "", ""},
		{"the first lines are removed", func(l lines) lines { return l[2:] },
			"the log begins with line 3; name the earlier files too", "", ""},
		{"two lines change places", func(l lines) lines { l[3], l[4] = l[4], l[3]; return l },
			"line 5 of the log comes after line 3: 1 are missing", "", ""},
		{"a line is there twice", func(l lines) lines { return slices.Insert(l, 4, l[3]) },
			"line 4 of the log comes after line 4: it is out of order, there twice", "", ""},
		{"a line is made unreadable", func(l lines) lines { l[3] = []byte("{}\n"); return l },
			"this is no record", "", ""},
		{"the last line is made unreadable", func(l lines) lines { l[7] = []byte("{}\n"); return l },
			"this is no record", "", ""},
		{"white space is added to a line", func(l lines) lines { l[3] = append([]byte(" "), l[3]...); return l },
			"does not follow from line 4, which was changed", "", ""},
		{"the end is cut off", func(l lines) lines { return l[:5] },
			"", "", "the end was cut off: the log ends with line 5, and had a line 8"},
		{"a line is cut short in the middle and the log went on", func(l lines) lines {
			return slices.Insert(l, 4, []byte(`{"phase":"deci`+"\n"))
		}, "", "", ""},
		{"the log is emptied", func(lines) lines { return nil }, "there is no record", "", "the end was cut off"},
		{"a record without a place in the chain is added", func(l lines) lines {
			return slices.Insert(l, 4, []byte(`{"phase":"outcome","decision_id":"decision4","class":"answered"}`+"\n"))
		}, "this is no record of the chain", "", ""},
		{"the same at the end, without a line break", func(l lines) lines {
			return append(l, []byte(`{"phase":"outcome","decision_id":"decision4","class":"answered"}`))
		}, "this is no record of the chain", "", ""},
		{"the end is written anew from the fourth line on, hashes and all", func(l lines) lines {
			for i := 3; i < len(l); i++ {
				l[i] = bytes.Replace(edit(l[i]), hexOf(l[i], "prev"), fmt.Appendf(nil, "%x", sha256.Sum256(bytes.TrimSuffix(l[i-1], []byte("\n")))), 1)
			}
			return l
		}, "", "line 4 of the log was not signed with this key", "line 8 of the log is not the one that it was"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, key := range []Key{nil, testKey} {
				l, head := written(t, 8, key)
				path := filepath.Join(t.TempDir(), "audit.jsonl")
				if err := os.WriteFile(path, bytes.Join(tt.do(l), nil), 0o600); err != nil {
					t.Fatal(err)
				}
				check := func(how string, expect Expect, want string) {
					t.Helper()
					r, err := Verify([]string{path}, expect)
					if err != nil {
						t.Fatal(err)
					}
					if text := fmt.Sprint(r.Problems); want == "" && len(r.Problems) > 0 || !strings.Contains(text, want) {
						t.Errorf("%s: want %q in\n%v", how, want, r.Problems)
					}
				}
				check("alone", Expect{}, tt.want)
				byHead := tt.byHead
				if byHead == "" {
					byHead = tt.want
				}
				check("with a head", Expect{Heads: []Head{head}}, byHead)
				check("with a mark", Expect{Marks: []Head{head}}, byHead)
				if key != nil {
					byKey := tt.byKey
					if byKey == "" {
						byKey = tt.want
					}
					check("with the key", Expect{Key: key}, byKey)
				}
			}
		})
	}
}

// hexOf is the value of a member that is a hash.
func hexOf(line []byte, name string) []byte {
	_, after, _ := bytes.Cut(line, []byte(`"`+name+`":"`))
	return after[:2*sha256.Size]
}

func TestVerifySaysHowFarALogIsProven(t *testing.T) {
	lines, _ := written(t, 8, nil)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, bytes.Join(lines, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	fifth := headAt(5, bytes.TrimSuffix(lines[4], []byte("\n")))
	if r := whole(t, Expect{}, path); r.Proven != (Head{}) || r.Head.Seq != 8 || r.Lines != 8 || r.Signed != 0 {
		t.Errorf("without a head: %+v", r)
	}
	if r := whole(t, Expect{Marks: []Head{fifth}}, path); r.Proven != (Head{}) {
		t.Errorf("a mark proves %v", r.Proven)
	}
	if r := whole(t, Expect{Heads: []Head{fifth}}, path); r.Proven != fifth {
		t.Errorf("proven up to %v", r.Proven)
	}
	other := fifth
	other.Hash[0] ^= 1
	if r, err := Verify([]string{path}, Expect{Heads: []Head{other}}); err != nil || len(r.Problems) != 1 || r.Proven != (Head{}) {
		t.Errorf("another line: %+v %v", r, err)
	}
}

func TestALineOfAnotherKeyOrOfNoneIsFound(t *testing.T) {
	for want, key := range map[string]Key{unsigned: nil, forged: Key(strings.Repeat("x", 32))} {
		lines, _ := written(t, 2, key)
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(path, bytes.Join(lines, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Verify([]string{path}, Expect{Key: testKey})
		if err != nil || len(r.Problems) != 2 || !strings.Contains(r.Problems[0].What, want) {
			t.Errorf("want %q: %v %v", want, r.Problems, err)
		}
	}
}

func TestVerifyTakesTheFilesOfALogInAnyOrder(t *testing.T) {
	lines, head := written(t, 9, testKey)
	dir := t.TempDir()
	put := func(name string, lines [][]byte) string {
		path := filepath.Join(dir, name)
		b := bytes.Join(lines, nil)
		if strings.HasSuffix(name, ".gz") {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			if _, err := w.Write(b); err != nil || w.Close() != nil {
				t.Fatal(err)
			}
			b = packed.Bytes()
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	oldest, older, now := put("audit.jsonl.2.gz", lines[:3]), put("audit.jsonl.1", lines[3:6]), put("audit.jsonl", lines[6:])
	if r := whole(t, Expect{Key: testKey, Heads: []Head{head}}, now, older, oldest); r.Lines != 9 || r.Head != head || r.Proven != head {
		t.Errorf("%+v", r)
	}
	after := whole(t, Expect{}, oldest).Head
	whole(t, Expect{After: after}, now, older)
	if r, err := Verify([]string{oldest, now}, Expect{}); err != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].What, "3 are missing") {
		t.Errorf("a file is left out: %+v %v", r, err)
	}
	if r, err := Verify([]string{now}, Expect{After: after}); err != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].What, "3 are missing") {
		t.Errorf("after the wrong head: %+v %v", r, err)
	}
}

func FuzzVerifyTakesAnything(f *testing.F) {
	f.Add([]byte(`{"seq":1,"prev":"` + strings.Repeat("0", 64) + `","mac":"` + strings.Repeat("0", 64) + `"}` + "\n"))
	f.Add([]byte("\x1f\x8b"))
	f.Add([]byte("{}\n\n{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Verify([]string{path}, Expect{Key: testKey})
		if err == nil && len(r.Problems) == 0 {
			t.Errorf("nothing is wrong with %q", b)
		}
		_, _ = ParseHead(string(b))
		_, _ = parseMark(b)
	})
}
