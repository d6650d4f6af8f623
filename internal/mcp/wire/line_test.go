package wire

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func readAll(l *LineReader) (lines []string, end error) {
	for {
		line, err := l.Next()
		switch {
		case errors.Is(err, ErrTooLong):
			lines = append(lines, "TOO LONG")
		case err != nil:
			return lines, err
		default:
			lines = append(lines, string(line))
		}
	}
}

func TestLineReader(t *testing.T) {
	long := strings.Repeat("x", 200_000) // several times the reader's buffer
	for name, c := range map[string]struct {
		stream string
		want   []string
	}{
		"line feeds":                            {"a\nb\n", []string{"a", "b"}},
		"carriage return and line feed":         {"a\r\nb\r\n", []string{"a", "b"}},
		"a last line without a line break":      {"a\nb", []string{"a", "b"}},
		"empty lines are no messages":           {"\n\r\na\n\n\nb\n\n", []string{"a", "b"}},
		"a carriage return inside stays":        {"a\rb\n", []string{"a\rb"}},
		"one of two carriage returns stays":     {"a\r\r\n", []string{"a\r"}},
		"a line at the limit":                   {strings.Repeat("y", 150_000) + "\r\nb\n", []string{strings.Repeat("y", 150_000), "b"}},
		"a line one byte over the limit":        {strings.Repeat("y", 150_001) + "\nb\n", []string{"TOO LONG", "b"}},
		"a line far over the limit":             {"a\n" + long + long + "\nb\n" + long + "\nc", []string{"a", "TOO LONG", "b", "TOO LONG", "c"}},
		"an end in a line over the limit":       {"a\n" + long, []string{"a", "TOO LONG"}},
		"a line over the buffer, not the limit": {long[:100_000] + "\n", []string{long[:100_000]}},
		"nothing":                               {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, from := range []io.Reader{strings.NewReader(c.stream), iotest.HalfReader(strings.NewReader(c.stream)), iotest.DataErrReader(strings.NewReader(c.stream))} {
				if got, err := readAll(NewLineReader(from, 150_000)); !slices.Equal(got, c.want) || err != io.EOF {
					t.Errorf("got %d lines, %v; want %d", len(got), err, len(c.want))
				}
			}
		})
	}
}

func TestLineReaderReturnsTheStreamsError(t *testing.T) {
	broken := errors.New("broken")
	for _, before := range []string{"a\nb", "a\n", "a\n" + strings.Repeat("x", 200_000)} {
		l := NewLineReader(io.MultiReader(strings.NewReader(before), iotest.ErrReader(broken)), 100)
		if got, err := readAll(l); !slices.Equal(got, []string{"a"}) || err != broken {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func TestLinesBelongToTheCaller(t *testing.T) {
	l := NewLineReader(strings.NewReader("first\nother\n"), 0)
	first, _ := l.Next()
	if _, err := l.Next(); err != nil || string(first) != "first" {
		t.Errorf("the first line became %q", first)
	}
}

// writes notes each write by itself.
type writes struct {
	got  []string
	fail error
}

func (w *writes) Write(p []byte) (int, error) {
	w.got = append(w.got, string(p))
	return len(p), w.fail
}

func TestLineWriterWritesOnce(t *testing.T) {
	var to writes
	w := NewLineWriter(&to)
	big := strings.Repeat("x", 2*keptBuffer)
	for _, line := range []string{"a", big, "b"} {
		if err := w.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(to.got, []string{"a\n", big + "\n", "b\n"}) {
		t.Errorf("got %d writes", len(to.got))
	}
}

func TestLineWriterRefusesLineBreaks(t *testing.T) {
	var to writes
	w := NewLineWriter(&to)
	for _, line := range []string{"a\n", "a\nb", "a\rb", "\r"} {
		if err := w.Write([]byte(line)); err != ErrLineBreak {
			t.Errorf("%q: got %v", line, err)
		}
	}
	if err := w.Write([]byte("c")); err != nil || !slices.Equal(to.got, []string{"c\n"}) {
		t.Errorf("got %q, %v", to.got, err)
	}
}

func TestLineWriterStaysBroken(t *testing.T) {
	broken := errors.New("broken")
	to := writes{fail: broken}
	w := NewLineWriter(&to)
	if err := w.Write([]byte("a")); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	to.fail = nil
	if err := w.Write([]byte("b")); !errors.Is(err, broken) || len(to.got) != 1 {
		t.Errorf("got %v after %q", err, to.got)
	}
}

func TestLinesOfManyWritersNeverMix(t *testing.T) {
	read, write := io.Pipe()
	w := NewLineWriter(write)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				if err := w.Write(bytes.Repeat([]byte{byte('a' + i)}, 1000)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { all.Wait(); write.Close() }()
	lines, err := readAll(NewLineReader(read, 0))
	if len(lines) != 400 || err != io.EOF {
		t.Fatalf("got %d lines, %v", len(lines), err)
	}
	for _, line := range lines {
		if strings.Trim(line, line[:1]) != "" {
			t.Errorf("mixed line %q", line)
		}
	}
}

// Whatever is written comes out again, line by line, however it is cut.
func TestLinesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[^\r\n]{1,80}`)).Draw(t, "lines")
		var stream bytes.Buffer
		w := NewLineWriter(&stream)
		for _, line := range lines {
			if err := w.Write([]byte(line)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := readAll(NewLineReader(iotest.OneByteReader(&stream), 1000))
		if err != io.EOF || !slices.Equal(got, lines) {
			t.Fatalf("got %q, %v", got, err)
		}
	})
}
