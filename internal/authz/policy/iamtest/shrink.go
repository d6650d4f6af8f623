package iamtest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// Shrink returns the smallest case found on which differs still holds, by leaving
// out documents, statements, elements, conditions, keys and values one after the
// other. differs must be false for a case that cannot be read.
func Shrink(c Case, differs func(Case) bool) Case {
	for {
		smaller, ok := shrinkOnce(c, differs)
		if !ok {
			return c
		}
		c = smaller
	}
}

func shrinkOnce(c Case, differs func(Case) bool) (Case, bool) {
	var tree any
	d := json.NewDecoder(bytes.NewReader(c.Line()))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		return c, false
	}
	found, ok := c, false
	reductions(tree, func(smaller any) bool {
		b, err := json.Marshal(smaller)
		if err != nil {
			return false
		}
		var candidate Case
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if d.Decode(&candidate) != nil || bytes.Equal(candidate.Line(), c.Line()) || !differs(candidate) {
			return false
		}
		found, ok = candidate, true
		return true
	})
	return found, ok
}

// reductions calls try with every value that is node with one thing less, until
// try returns true. What is left out first is large.
func reductions(node any, try func(any) bool) bool {
	switch v := node.(type) {
	case []any:
		for i := range v {
			if try(slices.Delete(slices.Clone(v), i, i+1)) {
				return true
			}
		}
		if len(v) == 1 && try(v[0]) {
			return true
		}
		for i := range v {
			if reductions(v[i], func(item any) bool {
				changed := slices.Clone(v)
				changed[i] = item
				return try(changed)
			}) {
				return true
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			fewer := maps.Clone(v)
			delete(fewer, key)
			if try(fewer) {
				return true
			}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if reductions(v[key], func(item any) bool {
				changed := maps.Clone(v)
				changed[key] = item
				return try(changed)
			}) {
				return true
			}
		}
	}
	return false
}
