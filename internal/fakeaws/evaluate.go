package fakeaws

import "strings"

// A layer is one set of policies that must allow by itself.
type layer struct {
	kind      layerKind
	documents []document
}

type layerKind int

const (
	identityLayer layerKind = iota
	boundaryLayer
	sessionLayer
)

func (k layerKind) String() string { return [...]string{"identity", "boundary", "session"}[k] }

// A question is whether one action may be done to one resource.
type question struct {
	action   string
	resource string
	keys     keys
}

// A verdict is the answer. The zero value denies.
type verdict struct {
	allowed  bool
	explicit bool      // an explicit deny
	layer    layerKind // that denied
	// statements that decided, as DOCUMENT/SID: the Deny, or each layer's Allow.
	statements []string
}

// word returns IAM's word for the verdict.
func (v verdict) word() string {
	switch {
	case v.allowed:
		return "allowed"
	case v.explicit:
		return "explicitDeny"
	}
	return "implicitDeny"
}

// reason is the verdict in one line, for records.
func (v verdict) reason() string {
	if v.allowed {
		return v.word() + " " + strings.Join(v.statements, ", ")
	}
	return strings.TrimSpace(v.word() + " " + v.layer.String() + " " + strings.Join(v.statements, ", "))
}

// decide reads every statement of every layer: a Deny anywhere wins, then every
// layer must have an Allow. Without layers nothing is allowed.
// Source: IAM User Guide, "Policy evaluation logic".
func decide(layers []layer, q question) verdict {
	for _, l := range layers {
		if name, ok := l.first(true, q); ok {
			return verdict{explicit: true, layer: l.kind, statements: []string{name}}
		}
	}
	var allows []string
	for _, l := range layers {
		name, ok := l.first(false, q)
		if !ok {
			return verdict{layer: l.kind}
		}
		allows = append(allows, name)
	}
	return verdict{allowed: len(allows) > 0, statements: allows}
}

// first names the layer's first statement of the given effect that matches.
func (l layer) first(deny bool, q question) (string, bool) {
	for _, d := range l.documents {
		for _, s := range d.statements {
			if s.deny == deny && s.matches(q) {
				return d.name + "/" + s.name, true
			}
		}
	}
	return "", false
}

func (s statement) matches(q question) bool {
	if s.names(q.action) == s.notAction || s.covers(q) == s.notResource {
		return false
	}
	for _, c := range s.conditions {
		if !c.holds(q.keys) {
			return false
		}
	}
	return true
}

// names reports whether the statement's list has the action.
func (s statement) names(action string) bool {
	text := []rune(strings.ToLower(action))
	for _, p := range s.actions {
		if atoms, ok := p.fill(nil); ok && globs(atoms, text) {
			return true
		}
	}
	return false
}

// covers reports whether the statement's list has the resource. A variable that
// the request does not fill makes its ARN match nothing, so that NotResource
// leaves nothing out for it.
func (s statement) covers(q question) bool {
	for _, p := range s.resources {
		if atoms, ok := p.fill(q.keys); ok && matchARN(atoms, q.resource) {
			return true
		}
	}
	return false
}
