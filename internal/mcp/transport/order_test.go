//go:build linux && !unguarded

package transport

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestOrderArrivesAsItWasSent(t *testing.T) {
	text := rapid.StringMatching(`[^\x00]*`)
	rapid.Check(t, func(t *rapid.T) {
		sent := order{path: text.Draw(t, "path"), dir: text.Draw(t, "dir"),
			args: rapid.SliceOfN(text, 1, 5).Draw(t, "args"), env: rapid.SliceOfN(text, 0, 5).Draw(t, "env")}
		message, err := sent.encode()
		if err != nil {
			t.Fatal(err)
		}
		stream := bytes.NewReader(append(message, 15)) // a signal follows
		got, err := readOrder(stream)
		if err != nil || got.path != sent.path || got.dir != sent.dir || !slices.Equal(got.args, sent.args) || !slices.Equal(got.env, sent.env) {
			t.Fatalf("sent %+v, got %+v, %v", sent, got, err)
		}
		if rest, _ := io.ReadAll(stream); len(rest) != 1 {
			t.Fatalf("%d bytes are left", len(rest))
		}
	})
}

func FuzzReadOrder(f *testing.F) {
	good, _ := order{path: "/bin/sh", args: []string{"sh"}, env: []string{"A=1"}}.encode()
	f.Add(good)
	f.Add([]byte("\x00\x00\x00\x06a\x00\x009\x00b"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte("\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, message []byte) {
		o, err := readOrder(bytes.NewReader(message))
		if err != nil {
			return
		}
		if len(o.args) == 0 {
			t.Fatal("an order without a command")
		}
		again, err := o.encode()
		if back, err2 := readOrder(bytes.NewReader(again)); err != nil || err2 != nil || back.path != o.path || !slices.Equal(back.args, o.args) || !slices.Equal(back.env, o.env) {
			t.Fatalf("got %+v, then %+v, %v, %v", o, back, err, err2)
		}
	})
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("7 (sh) S 1 7 7 0 -1"))
	f.Add([]byte("7 (a) R (b) Z 1 2 3"))
	f.Add([]byte("7 (sh"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, stat []byte) {
		if p, ok := parseStat(7, stat); ok && p.pid != 7 {
			t.Fatalf("got %+v", p)
		}
	})
}

func TestParseStat(t *testing.T) {
	got, ok := parseStat(7, []byte("7 (a) R 9 (b) Z 1 2 3 0 -1 4194304")) // a name made to confuse
	if want := (process{pid: 7, parent: 1, group: 2, session: 3, zombie: true}); !ok || got != want {
		t.Errorf("got %+v", got)
	}
	for _, stat := range []string{"", "7 sh S 1 2 3", "7 (sh) S 1 2", "7 (sh) S x y z"} {
		if _, ok := parseStat(7, []byte(stat)); ok {
			t.Errorf("%q is accepted", stat)
		}
	}
}

func TestBelowFollowsEveryGeneration(t *testing.T) {
	all := []process{{pid: 1}, {pid: 2, parent: 1}, {pid: 5, parent: 4}, {pid: 4, parent: 2}, {pid: 3, parent: 1}, {pid: 9, parent: 3}, {pid: 7, parent: 8}, {pid: 8, parent: 7}}
	var pids []int
	for _, p := range below(all, 2, 7) {
		pids = append(pids, p.pid)
	}
	slices.Sort(pids)
	if !slices.Equal(pids, []int{4, 5, 7, 8}) {
		t.Errorf("got %v", pids)
	}
}

// BenchmarkStart is what the guard costs: one start of this binary, and one of
// the command.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		c, err := Start(Spec{Command: []string{"/bin/true"}})
		if err != nil {
			b.Fatal(err)
		}
		c.Wait()
		c.Stdin.Close()
		c.Stdout.Close()
	}
}
