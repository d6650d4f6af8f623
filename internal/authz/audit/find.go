package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrNotFound is the class of a decision that the log does not hold.
var ErrNotFound = errors.New("decision not found")

// Story is what a log holds of one decision.
type Story struct {
	// Records are its own, in the order they were written.
	Records []Record
	// Shared are other decisions that were lent one of the same grants: what AWS
	// recorded of its access key can be theirs.
	Shared []Record
}

// Find returns what the files, in this order, hold of one decision. Lines that
// are no records of a chain are passed over: a torn line must not hide the others,
// and what Verify does not take for one is none. An id
// without records is ErrNotFound.
func Find(id string, paths ...string) (Story, error) {
	var s Story
	keys := map[string]bool{}
	err := eachRecord(paths, func(r Record) {
		if r.DecisionID != id {
			return
		}
		s.Records = append(s.Records, r)
		if r.Grant != nil && r.Grant.AccessKeyID != "" {
			keys[r.Grant.AccessKeyID] = true
		}
	})
	if err != nil {
		return Story{}, err
	}
	if len(s.Records) == 0 {
		return Story{}, fmt.Errorf("%w: no record of %q in %s", ErrNotFound, id, strings.Join(paths, ", "))
	}
	if len(keys) == 0 {
		return s, nil
	}
	err = eachRecord(paths, func(r Record) {
		if r.DecisionID != id && r.Phase == PhaseDecision && r.Grant != nil && keys[r.Grant.AccessKeyID] {
			s.Shared = append(s.Shared, r)
		}
	})
	return s, err
}

func eachRecord(paths []string, f func(Record)) error {
	for _, path := range paths {
		err := eachLine(path, func(line []byte, _ int, _ bool) bool {
			if r, ok := parse(line); ok {
				f(r)
			}
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func parse(line []byte) (Record, bool) {
	var r Record
	_, linked := linkOf(line)
	return r, linked && json.Unmarshal(line, &r) == nil && r.DecisionID != ""
}
