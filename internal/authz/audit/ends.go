package audit

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
)

// ends says where the chain goes on in a log of this size: where the mark says,
// mostly. After a crash the log can have more lines than the mark knows of, and
// its last can be torn. If it has less, or others, the chain goes on from the mark, so
// that the break stays to be seen, and trouble says so. at.size is the log's.
func (l *Log) ends(size int64) (at end, torn bool, trouble string, err error) {
	kept, unreadable := l.mark.read()
	if unreadable == nil && (size == kept.size || size == 0) {
		return end{kept.head, size}, false, "", nil
	}
	known := unreadable == nil && kept.head != Head{}
	from := int64(0)
	if known && size > kept.size {
		from = kept.size
	}
	head, linked, torn, err := l.walk(kept.head, known, from)
	switch {
	case err != nil:
		return end{}, false, "", err
	case unreadable != nil:
		trouble = "where the log ended was not kept, so lines may be missing before this one"
	case known && !linked:
		trouble = fmt.Sprintf("the log does not end as it was left, with %s: lines before this one were changed, removed or added", kept.head)
		head = kept.head
	}
	return end{head, size}, torn, trouble, nil
}

// walk reads the log from an offset and says where its chain ends, whether it is
// one, and whether the last line is torn. Without a known start any is taken.
func (l *Log) walk(start Head, known bool, from int64) (last Head, linked, torn bool, err error) {
	f, err := os.Open(l.path)
	if err != nil {
		return start, false, false, err
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return start, false, false, err
	}
	last, linked = start, true
	for lines := bufio.NewReader(f); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return start, false, false, err
		}
		whole := bytes.TrimSuffix(line, []byte("\n"))
		if found, ok := linkOf(whole); ok { // else it was cut short
			if known && !found.follows(last) || l.key.check(whole) != "" {
				linked = false
			}
			last, known = headAt(found.Seq, whole), true
		}
		if err == io.EOF {
			return last, linked, len(line) > 0, nil
		}
	}
}
