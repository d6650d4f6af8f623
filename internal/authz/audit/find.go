package audit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrNotFound is the class of a decision that the log does not hold.
var ErrNotFound = errors.New("decision not found")

// Find returns every record of one decision, in the order they were written.
// Lines that are not records are passed over: a torn line must not hide the
// others. An id without records is ErrNotFound.
func Find(path, id string) ([]Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	defer f.Close()
	var found []Record
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if r, ok := parse(line); ok && r.DecisionID == id {
			found = append(found, r)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: no record of %q in %s", ErrNotFound, id, path)
	}
	return found, nil
}

func parse(line []byte) (Record, bool) {
	var r Record
	err := json.Unmarshal(line, &r)
	return r, err == nil && r.DecisionID != ""
}
