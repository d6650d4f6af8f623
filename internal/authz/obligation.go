package authz

import (
	"fmt"
	"strings"
)

// maxMembers bounds what one obligation may name.
const maxMembers = 100

// Check reports whether the proxy can carry the obligation out. One that it
// cannot refuses the call.
func (o Obligation) Check() error {
	if o.Kind != ObligationRedact {
		return fmt.Errorf("obligation %q is not known; there is %s", o.Kind, ObligationRedact)
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
