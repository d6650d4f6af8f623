package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// Expect is what a log is held to.
type Expect struct {
	// Key must have signed every line; nil: lines are not looked at for that.
	Key Key
	// After is how the file before the first one ended. The zero Head: the log
	// must begin with its first line.
	After Head
	// Heads were kept where nobody who can write the log could change them. Each
	// must be a line of the log, with the hash it says.
	Heads []Head
	// Marks are what ReadMark says. They must be lines too, and prove nothing.
	Marks []Head
}

// Report is what Verify found.
type Report struct {
	Lines    int
	Head     Head // of the last line
	Proven   Head // the last of Expect.Heads that was found; zero: none
	Signed   int  // lines that carry an HMAC, whether it was checked or not
	Problems []Problem
	Notes    []Problem // what is odd, and of which nothing is missing
}

// Problem is what is wrong at a line.
type Problem struct {
	File string
	Line int // 0: the log as a whole
	What string
}

func (p Problem) String() string {
	if p.Line == 0 {
		return p.What
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.What)
}

// Verify reads the files of one log, which may be compressed with gzip, and
// says whether they are one unbroken chain. In which order they are named does
// not matter. The error says that a file cannot be read; what is wrong with the
// log itself is in the Report.
func Verify(paths []string, expect Expect) (Report, error) {
	v := &verifier{expect: expect, missing: map[Head]bool{}}
	for _, h := range slices.Concat(expect.Heads, expect.Marks) {
		v.missing[h] = true
	}
	v.Head = expect.After
	type named struct {
		path  string
		first uint64
	}
	var files []named
	for _, path := range paths {
		n := named{path: path}
		err := eachLine(path, func(line []byte, _ int, _ bool) bool {
			l, ok := linkOf(line)
			n.first = l.Seq
			return !ok
		})
		if err != nil {
			return Report{}, err
		}
		files = append(files, n)
	}
	slices.SortStableFunc(files, func(a, b named) int { return cmp.Compare(a.first, b.first) })
	for _, f := range files {
		v.file = f.path
		if err := eachLine(f.path, v.line); err != nil {
			return Report{}, err
		}
	}
	v.close()
	return v.Report, nil
}

// verifier goes along the chain. After a break it goes on from the line that
// does not fit, so that each break is found.
type verifier struct {
	Report
	expect  Expect
	missing map[Head]bool
	file    string
	odd     []Problem // lines that are no records, since the last that is one
}

func (v *verifier) line(line []byte, number int, whole bool) bool {
	at := func(format string, args ...any) Problem { return Problem{v.file, number, fmt.Sprintf(format, args...)} }
	found, ok := linkOf(line)
	switch {
	case !ok && json.Valid(line): // what is cut short is not
		v.Problems = append(v.Problems, at("this is no record of the chain: it was changed, or added"))
		return true
	case !whole && !ok:
		v.Notes = append(v.Notes, at("the last line is cut short: it is being written, or its writer was ended"))
		return true
	case !ok:
		v.odd = append(v.odd, at("this is no record: it was cut short, or changed"))
		return true
	}
	v.Lines++
	if bytes.HasSuffix(line, []byte(macEnd)) && bytes.Contains(line, []byte(macBegin)) {
		v.Signed++
	}
	before := v.Head
	v.Head = headAt(found.Seq, line)
	if found.follows(before) {
		v.Notes = append(v.Notes, v.odd...) // nothing is missing around them
	} else {
		v.Problems = append(append(v.Problems, v.odd...), at("%s", broken(before, found, v.Lines == 1)))
	}
	v.odd = nil
	if problem := v.expect.Key.check(line); problem != "" {
		v.Problems = append(v.Problems, at("line %d of the log %s", found.Seq, problem))
	}
	delete(v.missing, v.Head)
	if slices.Contains(v.expect.Heads, v.Head) && v.Head.Seq > v.Proven.Seq {
		v.Proven = v.Head
	}
	return true
}

// broken words why a line cannot be the next.
func broken(before Head, found link, first bool) string {
	switch {
	case first && found.Seq > before.Seq+1 && before == Head{}:
		return fmt.Sprintf("the log begins with line %d; name the earlier files too, or how they ended as --after", found.Seq)
	case found.Seq > before.Seq+1:
		return fmt.Sprintf("line %d of the log comes after line %d: %d are missing", found.Seq, before.Seq, found.Seq-before.Seq-1)
	case found.Seq <= before.Seq:
		return fmt.Sprintf("line %d of the log comes after line %d: it is out of order, there twice, or written anew", found.Seq, before.Seq)
	}
	return fmt.Sprintf("line %d of the log does not follow from line %d, which was changed", found.Seq, before.Seq)
}

// close judges the end.
func (v *verifier) close() {
	v.Problems = append(v.Problems, v.odd...)
	for _, h := range slices.SortedFunc(maps.Keys(v.missing), func(a, b Head) int { return cmp.Compare(a.Seq, b.Seq) }) {
		switch {
		case h.Seq > v.Head.Seq:
			v.Problems = append(v.Problems, Problem{What: fmt.Sprintf("the end was cut off: the log ends with line %d, and had a line %d", v.Head.Seq, h.Seq)})
		default:
			v.Problems = append(v.Problems, Problem{What: fmt.Sprintf("line %d of the log is not the one that it was, or not in these files", h.Seq)})
		}
	}
	if v.Lines == 0 {
		v.Problems = append(v.Problems, Problem{What: "there is no record"})
	}
}

// eachLine calls f with each line of a file, without its newline, and its number
// until f says false. Only the last line may not be whole.
func eachLine(path string, f func(line []byte, number int, whole bool) bool) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read audit log: %w", err)
	}
	defer file.Close()
	lines := bufio.NewReader(file)
	if magic, err := lines.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b { // RFC 1952, section 2.3.1
		unpacked, err := gzip.NewReader(lines)
		if err != nil {
			return fmt.Errorf("read audit log %s: %w", path, err)
		}
		lines = bufio.NewReader(unpacked)
	}
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read audit log %s: %w", path, err)
		}
		if err != nil && len(line) == 0 {
			return nil
		}
		if !f(bytes.TrimSuffix(line, []byte("\n")), number, err == nil) || err != nil {
			return nil
		}
	}
}
