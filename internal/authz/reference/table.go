package reference

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

// text is the table. Its lines, by their first word:
//
//	version V          of the source
//	services NAME…     prefixes of actions
//	global KEY…        condition keys of every service; [] marks one of many values
//	service NAME       begins a service's own lines:
//	type ARN           a resource type, numbered from 0, in base 36
//	keys KEY…          condition keys, numbered likewise
//	ACTION T,… K,…     an action, its types (- is none) and its keys
//
//go:embed reference.txt
var text string

// table is the text, read as far as it was needed.
type table struct {
	version  string
	services []string
	known    map[string]bool
	global   []Key
	detailed map[string]func() *service
}

// service is one detailed service.
type service struct {
	keys    []Key
	actions []Action
	index   map[string]int // folded name, without the prefix
}

var read = sync.OnceValue(func() *table {
	head, blocks := cutServices(text)
	t := &table{known: map[string]bool{}, detailed: map[string]func() *service{}}
	for line := range strings.Lines(head) {
		switch words := strings.Fields(line); {
		case len(words) < 2:
		case words[0] == "version":
			t.version = words[1]
		case words[0] == "services":
			t.services = append(t.services, words[1:]...)
		case words[0] == "global":
			t.global = append(t.global, keysOf(words[1:])...)
		}
	}
	for _, name := range t.services {
		t.known[name] = true
	}
	for _, block := range blocks {
		name, lines, _ := strings.Cut(block, "\n")
		t.detailed[name] = sync.OnceValue(func() *service { return readService(name, lines) })
	}
	return t
})

func cutServices(text string) (head string, blocks []string) {
	parts := strings.Split(text, "\nservice ")
	return parts[0], parts[1:]
}

func readService(name, lines string) *service {
	s := &service{index: map[string]int{}}
	var types []string
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		switch {
		case len(words) < 2:
		case words[0] == "type":
			types = append(types, words[1])
		case words[0] == "keys":
			s.keys = append(s.keys, keysOf(words[1:])...)
		default:
			a := Action{Name: name + ":" + words[0], Types: pick(types, words[1])}
			if len(words) > 2 {
				a.Keys = pick(s.keys, words[2])
			}
			s.index[strings.ToLower(words[0])] = len(s.actions)
			s.actions = append(s.actions, a)
		}
	}
	return s
}

func keysOf(words []string) []Key {
	keys := make([]Key, len(words))
	for i, word := range words {
		name, many := strings.CutSuffix(word, "[]")
		keys[i] = Key{Name: name, Many: many}
	}
	return keys
}

// pick takes the numbered ones; a number that is none is left out, and a test
// sees to it that there is none.
func pick[T any](all []T, numbers string) (picked []T) {
	for number := range strings.SplitSeq(numbers, ",") {
		if i, err := strconv.ParseInt(number, 36, 32); err == nil && i >= 0 && int(i) < len(all) {
			picked = append(picked, all[i])
		}
	}
	return picked
}
