package authz

import (
	"fmt"
	"slices"
	"strings"
)

// Obligation is something the proxy must do if the call goes ahead. A kind that
// the proxy does not know refuses the call.
type Obligation struct {
	Kind string `json:"kind"` // ObligationRedact or ObligationConfirm
	// Members are names of JSON members whose values are taken out of the answer,
	// or OUTER.INNER for those of the objects in a list (redact only).
	Members []string `json:"members,omitempty"`
	// Message is what the client's user is told besides the accesses (confirm only).
	Message string `json:"message,omitempty"`
	// Needs lists unknown condition keys that could lift the obligation: it is then
	// worth looking them up and asking policy again. Empty: nothing lifts it.
	Needs []string `json:"needs,omitempty"`
}

// The kinds of obligation.
const (
	// ObligationRedact takes the values of Members out of the answer.
	ObligationRedact = "redact"
	// ObligationConfirm asks the client's user before the call is lent anything or
	// forwarded. Without a yes the call is refused.
	ObligationConfirm = "confirm"
)

// The bounds of one obligation.
const (
	maxMembers = 100 // names that it may list
	maxMessage = 500 // bytes
)

// Check reports whether the proxy can carry the obligation out. One that it
// cannot refuses the call.
func (o Obligation) Check() error {
	if len(o.Needs) > maxMembers {
		return fmt.Errorf("obligation %.200q may need at most %d keys", o.Kind, maxMembers)
	}
	switch o.Kind {
	case ObligationRedact:
		return o.checkRedact()
	case ObligationConfirm:
		return o.checkConfirm()
	}
	return fmt.Errorf("obligation %.200q is not known; there are %s and %s", o.Kind, ObligationConfirm, ObligationRedact)
}

func (o Obligation) checkConfirm() error {
	if len(o.Members) > 0 {
		return fmt.Errorf("obligation %s has no members", o.Kind)
	}
	if len(o.Message) > maxMessage {
		return fmt.Errorf("obligation %s: the message must have at most %d bytes", o.Kind, maxMessage)
	}
	return nil
}

func (o Obligation) checkRedact() error {
	if o.Message != "" {
		return fmt.Errorf("obligation %s has no message", o.Kind)
	}
	if len(o.Members) == 0 || len(o.Members) > maxMembers {
		return fmt.Errorf("obligation %s must name 1 to %d members", o.Kind, maxMembers)
	}
	for _, name := range o.Members {
		if name == "" || len(name) > 200 {
			return fmt.Errorf("obligation %s: a member's name must have 1 to 200 bytes", o.Kind)
		}
		if outer, inner, enclosed := strings.Cut(name, "."); enclosed && (outer == "" || inner == "" || strings.Contains(inner, ".")) {
			return fmt.Errorf("obligation %s: a member is NAME, or OUTER.INNER for one within another, not %q", o.Kind, name)
		}
	}
	return nil
}

// Confirms reports whether the client's user must agree before the call goes ahead.
func (d Decision) Confirms() bool {
	return slices.ContainsFunc(d.Obligations, func(o Obligation) bool { return o.Kind == ObligationConfirm })
}
