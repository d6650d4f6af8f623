package iam

import (
	"slices"
	"strings"
)

// Names reports whether every layer has an Allow that names the action, on some
// resource and under some condition, and no Deny on every resource under none. It
// is for lists, and no decision.
func (p *Policy) Names(action string) bool {
	service, name, ok := strings.Cut(strings.ToLower(action), ":")
	if !ok || strings.Contains(name, ":") {
		return false
	}
	for _, l := range p.layersOf(action) {
		naming := l.candidates(service, name).all
		if !slices.ContainsFunc(naming, func(s *statement) bool { return !s.deny }) || slices.ContainsFunc(naming, (*statement).withdraws) {
			return false
		}
	}
	return true
}

// withdraws: the statement denies its actions whatever the resource.
func (s *statement) withdraws() bool {
	return s.deny && !s.notRes && len(s.conditions) == 0 && slices.ContainsFunc(s.resources, func(t text) bool { return t.source == "*" })
}
