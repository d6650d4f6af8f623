package explain

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
)

// blank is an explanation that says who calls what and nothing else.
func (q *inquiry) blank(s situation) *Explanation {
	e := &Explanation{Call: Call{Server: q.Catalog.Server(),
		Principal: s.caller.Principal.Kind + "/" + s.caller.Principal.ID, Persona: s.caller.Persona, Role: s.caller.Role,
		Region: s.caller.Env.Region, Account: s.caller.Env.Account}, Facts: Facts{Source: "unknown"}, Notes: slices.Clone(q.Notes)}
	if q.message != nil {
		e.Call.Method, e.Call.Tool = q.message.Method, q.message.Name
	}
	switch {
	case q.recorded != nil:
		e.Facts.Source = "recorded"
	case q.Tags != nil:
		e.Facts.Source, e.Facts.Tags = "given", q.Tags
	case q.Facts != nil:
		e.Facts.Source = "looked up"
	}
	return e
}

// resolved adds what the catalogue says of the call, if it knows it.
func (e *Explanation) resolved(j judged) {
	if r := j.resolution; r != nil {
		e.Call.Operation, e.Call.Write, e.Call.Sensitive = r.Operation, r.Write, r.Sensitive
		e.Call.LongRunning, e.Call.EscapesScope = r.LongRunning, r.EscapesScope
	}
}

// fill adds what the gate judged.
func (e *Explanation) fill(j judged) {
	e.resolved(j)
	r := j.resolution
	e.Accesses = accesses(j.preview.Request.Accesses, j.preview.Decision.Accesses, library(j.persona()))
	e.Guardrails = j.preview.Decision.Denies
	e.Revision = j.preview.Decision.Revision
	if j.hidden {
		e.Notes = append(e.Notes, fmt.Sprintf("the tool is not listed to persona %s, and a call of it is answered as if there were no such tool", j.caller.Persona))
	}
	if slices.ContainsFunc(j.preview.Request.Accesses, authz.Access.Unsettled) {
		e.Notes = append(e.Notes, "the roles of a task definition, or the revision that a family stands for, are not known; the answer may be another when they are (--facts looks them up)")
	}
	if r.EscapesScope {
		e.Notes = append(e.Notes, "the call acts through something that outlives its grant, such as a stack or a role of its own; what that does, the grant does not bound")
	}
	if r.LongRunning {
		e.Notes = append(e.Notes, "the call may take longer than the credentials that are lent for it")
	}
	if j.allowed() {
		e.kept(j.preview.Decision.Obligations)
	}
}

// kept says who must agree first, and what the client does not see of the answer.
func (e *Explanation) kept(obligations []authz.Obligation) {
	var members, needs []string
	asks, always := false, false
	for _, o := range obligations {
		members = append(members, o.Members...)
		if o.Kind == authz.ObligationConfirm {
			asks, always, needs = true, always || len(o.Needs) == 0, append(needs, o.Needs...)
		}
	}
	e.AsksUser = always
	if asks {
		text := "the client's user is asked first, and must agree: without a yes, or with a client that cannot ask, the call is refused"
		if !always {
			slices.Sort(needs)
			text += "; whether that is so depends on " + strings.Join(slices.Compact(needs), ", ") + ", which is not known here"
		}
		e.Notes = append(e.Notes, text)
	}
	if len(members) > 0 {
		slices.Sort(members)
		e.Notes = append(e.Notes, "kept from the client in the answer: "+strings.Join(slices.Compact(members), ", "))
	}
}

// accesses pairs accesses with what was decided about them.
func accesses(asked []authz.Access, results []authz.AccessResult, documents []named) []Access {
	var out []Access
	for i, a := range asked {
		one := Access{Access: a, Words: a.Words()}
		if i < len(results) {
			r := results[i]
			one.result, one.Verdict, one.Layer, one.Hopeless = r, r.Verdict, r.Layer, r.Hopeless()
			one.Undecided = r.Unknown
			for _, name := range slices.Compact(slices.Clone(r.Statements)) {
				one.Statements = append(one.Statements, statementsNamed(documents, name, a, r)...)
			}
			for _, n := range r.Near {
				one.Near = append(one.Near, nearMiss(documents, n, a, r)...)
			}
		}
		out = append(out, one)
	}
	return out
}

// known lists what the catalogue would have taken.
func (q *inquiry) known(err error) *Known {
	tool := q.message.Name
	switch {
	case errors.Is(err, catalog.ErrUnknownTool):
		return &Known{What: "tools", Names: q.Catalog.Tools()}
	case errors.Is(err, catalog.ErrUnknownOperation):
		return &Known{What: "operations", Names: q.Catalog.Operations(tool)}
	case !errors.Is(err, catalog.ErrArgument):
		return nil
	}
	selector, _ := q.Catalog.Selector(tool)
	operation := ""
	if selector != "" {
		var arguments map[string]any
		if json.Unmarshal(q.message.Arguments, &arguments) == nil {
			operation, _ = arguments[selector].(string)
		}
		if operation == "" {
			return &Known{What: "operations", Names: q.Catalog.Operations(tool)}
		}
	}
	names, required := q.Catalog.Arguments(tool, operation)
	if names == nil {
		return nil
	}
	return &Known{What: "arguments", Names: names, Required: required}
}
