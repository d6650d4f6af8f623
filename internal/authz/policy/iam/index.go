package iam

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// layer is the statements of one kind of policy, indexed.
type layer struct {
	name       string
	statements []*statement

	// byAction remembers the statements that name an action: calls are about few.
	mu       sync.RWMutex
	byAction map[string]*candidates
	// named and wild divide the statements, so that those of an action are found
	// without looking at all.
	named map[string][]*statement // by a whole action, "ecs:deleteservice"
	wild  map[string][]*statement // by service, for names with wildcards
	every []*statement            // "*" and NotAction
}

func newLayer(name string, statements []*statement) *layer {
	l := &layer{name: name, statements: statements, byAction: map[string]*candidates{}, named: map[string][]*statement{}, wild: map[string][]*statement{}}
	for i, s := range statements {
		s.order = i
		if s.notAction {
			l.every = append(l.every, s)
			continue
		}
		for _, a := range s.actions {
			switch {
			case a.service == "":
				l.every = append(l.every, s)
			case hasWildcard(a.name):
				l.wild[a.service] = append(l.wild[a.service], s)
			default:
				l.named[a.service+":"+a.name] = append(l.named[a.service+":"+a.name], s)
			}
		}
	}
	return l
}

// maxRemembered bounds what a layer remembers; a catalogue names far fewer actions.
const maxRemembered = 4096

// candidates returns the statements that name the action.
func (l *layer) candidates(service, name string) *candidates {
	action := service + ":" + name
	l.mu.RLock()
	c := l.byAction[action]
	l.mu.RUnlock()
	if c != nil {
		return c
	}
	var naming []*statement
	for _, list := range [][]*statement{l.named[action], l.wild[service], l.every} {
		for _, s := range list {
			if s.namesAction(service, name) {
				naming = append(naming, s)
			}
		}
	}
	c = newCandidates(naming)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.byAction) < maxRemembered {
		l.byAction[action] = c
	}
	return c
}

// candidates are the statements that name one action, by the literal beginning
// of the last part of their resources.
type candidates struct {
	all []*statement // in order
	// anywhere are those that may name a resource whatever it begins with.
	anywhere []*statement
	prefixes map[string][]*statement
	lengths  []int // of the prefixes, ascending
}

// fewStatements are compared one by one: an index would cost more.
const fewStatements = 8

func newCandidates(naming []*statement) *candidates {
	c := &candidates{all: inOrder(naming)}
	if len(c.all) <= fewStatements {
		return c
	}
	c.prefixes = map[string][]*statement{}
	for _, s := range c.all {
		if s.notRes {
			c.anywhere = append(c.anywhere, s)
			continue
		}
		for _, resource := range s.resources {
			prefix := literalPrefix(resource.source)
			if prefix == "" {
				c.anywhere = append(c.anywhere, s)
				continue
			}
			c.prefixes[prefix] = append(c.prefixes[prefix], s)
		}
	}
	for prefix := range c.prefixes {
		if at, found := slices.BinarySearch(c.lengths, len(prefix)); !found {
			c.lengths = slices.Insert(c.lengths, at, len(prefix))
		}
	}
	return c
}

// literalPrefix is what the last part of every ARN begins with that the pattern
// matches. Wildcards before it stay in their parts, so that patterns of any region
// are told apart too. Empty: it may be anything.
func literalPrefix(pattern string) string {
	name, ok := lastPart(pattern)
	if !ok || strings.Contains(pattern, "$") { // a variable that nobody knows counts wherever it stands
		return ""
	}
	if i := strings.IndexAny(name, "*?\ue000\ue001\ue002"); i >= 0 {
		return name[:i]
	}
	return name
}

// lastPart is what stands after the fifth colon of an ARN.
func lastPart(arn string) (string, bool) {
	for range arnParts - 1 {
		_, rest, ok := strings.Cut(arn, ":")
		if !ok {
			return "", false
		}
		arn = rest
	}
	return arn, true
}

// about appends to found the statements that may name the resource, in order.
func (c *candidates) about(env *environment, found []*statement) []*statement {
	name, ok := lastPart(env.resource)
	if c.prefixes == nil || env.wide || !ok {
		return append(found, c.all...)
	}
	found = append(found, c.anywhere...)
	for _, n := range c.lengths {
		if n > len(name) {
			break
		}
		found = append(found, c.prefixes[name[:n]]...)
	}
	return inOrder(found)
}

// inOrder sorts statements by their place and leaves each there once.
func inOrder(statements []*statement) []*statement {
	slices.SortFunc(statements, func(a, b *statement) int { return cmp.Compare(a.order, b.order) })
	return slices.Compact(statements)
}
