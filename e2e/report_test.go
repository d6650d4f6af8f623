//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// report is the table of predicted and observed actions, one line for each.
type report struct {
	rows []string
	last int // where the rows of the last call begin
}

func newReport() *report { return &report{rows: []string{"CALL\tPREDICTED\tOBSERVED"}} }

// add checks one call: it went ahead, every request of the server was signed
// with the grant of this call, and asked for an action that was predicted and
// lent. What the server does with a role that it assumes itself is beyond any
// grant; only a call that the catalogue knows for this may.
func (r *report) add(t *testing.T, name string, c called, escapes bool) {
	t.Helper()
	if c.Decision.Phase != audit.PhaseDecision {
		t.Errorf("%s: refused (%s): %s", name, c.Decision.Class, c.Decision.Message)
		return
	}
	observed, escaped := observedActions(t, name, c)
	if len(escaped) > 0 && !escapes {
		t.Errorf("%s: the server used %s with a role that it assumed itself, and the catalogue does not say that it escapes its grant", name, strings.Join(escaped, ", "))
	}
	lent := lentActions(c.Decision)
	if len(observed) == 0 && len(lent) > 0 {
		t.Errorf("%s: the server sent no AWS request; it answered %.300s", name, c.Text)
	}
	r.last = len(r.rows)
	for _, action := range lent {
		mark := "-"
		if slices.Contains(observed, action) {
			mark = "yes"
		}
		r.row(&name, action, mark)
	}
	for _, action := range observed {
		if !slices.Contains(lent, action) {
			t.Errorf("%s: the server used %s, which was not predicted; predicted: %s", name, action, strings.Join(lent, ", "))
			r.row(&name, "NO", action)
		}
	}
	for _, action := range escaped {
		r.row(&name, "escapes", action)
	}
	if len(lent) == 0 {
		r.row(&name, "nothing of AWS", "-")
	}
}

// row adds a line; only the first of a call bears its name.
func (r *report) row(name *string, predicted, observed string) {
	r.rows = append(r.rows, *name+"\t"+predicted+"\t"+observed)
	*name = ""
}

// served checks that moto answered, or is known not to.
func (r *report) served(t *testing.T, operation string, c called) {
	t.Helper()
	failed := ""
	for _, request := range c.ByServer {
		if request.Status >= 300 {
			failed = fmt.Sprintf("%s: %.200s", request, request.Answer)
		}
	}
	reason, known := unserved[operation]
	switch {
	case failed != "" && !known:
		t.Errorf("%s: moto refused: %s", operation, failed)
	case failed == "" && known:
		t.Errorf("%s: moto serves it now: take it off the list of the unserved (%s)", operation, reason)
	case known:
		r.rows[r.last] += ", but " + reason
	}
}

func (r *report) print(t *testing.T) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(r.rows, "\n"))
	w.Flush()
	t.Logf("AWS actions, as predicted and as observed:\n%s", b.String())
}

// lentActions are the AWS actions of the accesses that were allowed.
func lentActions(decision audit.Record) []string {
	var actions []string
	for _, a := range decision.Result.Granted(authz.Request{Accesses: decision.Input.Accesses}) {
		if !a.IsMCP() {
			actions = append(actions, a.Action)
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// observedActions are what the server used: with the call's own grant, and
// with roles that it assumed with it. A request signed by anything else is an
// error.
func observedActions(t *testing.T, name string, c called) (own, escaped []string) {
	t.Helper()
	assumed, err := Assumptions(c.ByServer)
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range c.ByServer {
		ofAssumed := slices.ContainsFunc(assumed, func(a Assumption) bool { return a.AccessKeyID == request.AccessKeyID })
		switch {
		case c.Decision.Grant == nil:
			t.Errorf("%s: %s, although nothing was lent", name, request)
		case request.Region != region && request.Service != "iam":
			t.Errorf("%s: %s, in another region", name, request)
		case request.AccessKeyID == c.Decision.Grant.AccessKeyID:
			own = append(own, request.Action())
		case ofAssumed:
			escaped = append(escaped, request.Action())
		default:
			t.Errorf("%s: %s, but the call's grant is %s", name, request, c.Decision.Grant.AccessKeyID)
		}
	}
	slices.Sort(own)
	return slices.Compact(own), escaped
}

// signedByOwnGrant checks that the server used nothing but the call's own grant.
func signedByOwnGrant(t *testing.T, name string, c called) {
	t.Helper()
	if _, escaped := observedActions(t, name, c); len(escaped) > 0 {
		t.Errorf("%s: %s with a role that the server assumed itself", name, strings.Join(escaped, ", "))
	}
}
