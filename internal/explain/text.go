package explain

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// shownAccesses is how many accesses with the same answer are named for people.
const shownAccesses = 4

// Write writes e for a person to read, in colour if standard output is a terminal.
func (e *Explanation) Write(w io.Writer) error {
	e, err := e.cleaned()
	if err != nil {
		return err
	}
	p := newPage()
	e.head(p)
	e.writeAccesses(p)
	e.writeGuardrails(p)
	e.writeOutcomes(p)
	e.writeSuggestions(p)
	e.writeSession(p)
	e.foot(p)
	_, err = io.WriteString(w, p.String())
	return err
}

// head is the answer in one sentence, and the call.
func (e *Explanation) head(p *page) {
	c := e.Call
	what := strings.TrimSpace(c.Tool + " " + c.Operation)
	switch e.Answer {
	case Allowed:
		once := ""
		if e.AsksUser {
			once = ", if the client's user agrees"
		}
		p.line(0, p.good.Sprint("Allowed")+once+": "+c.Persona+" may call "+what+".")
	case Depends:
		p.line(0, p.warn.Sprint("It depends")+": whether "+c.Persona+" may call "+what+" depends on tags that are not known here. Unknown, it is refused.")
	default:
		refused := c.Persona + " may not call " + what
		if c.Persona == "" { // no call: it could not be read, or its method is not relayed
			refused = "the message was not relayed"
		}
		p.line(0, p.bad.Sprint("Refused")+" ("+e.Class+"): "+refused+".")
	}
	for _, because := range e.Because {
		p.line(2, because)
	}
	if r := e.Recorded; r != nil {
		p.line(2, fmt.Sprintf("This is decision %s of %s, as the audit log has it.", r.DecisionID, r.Time))
	}
	if c.Persona == "" {
		p.section("The message")
		p.field("method", c.Method)
		p.field("from", c.Principal)
		return
	}
	e.writeKnown(p)
	var traits []string
	for _, t := range []struct {
		is   bool
		text string
	}{{c.Write, "it changes something"}, {c.Sensitive, "its answer may hold secrets"}, {c.EscapesScope, "it escapes the scope of its grant"}, {c.LongRunning, "it may take long"}} {
		if t.is {
			traits = append(traits, t.text)
		}
	}
	p.section("The call")
	p.field("tool", what+" of "+c.Server)
	p.field("caller", c.Principal+" as persona "+c.Persona)
	p.field("where", c.Region+" in account "+c.Account)
	p.field("traits", strings.Join(traits, "; "))
}

func (e *Explanation) writeKnown(p *page) {
	if e.Known == nil {
		return
	}
	p.section("Known " + e.Known.What)
	var names []string
	for _, name := range e.Known.Names {
		if slices.Contains(e.Known.Required, name) {
			name += " (required)"
		}
		names = append(names, name)
	}
	p.line(2, strings.Join(names, ", "))
}

func (e *Explanation) writeAccesses(p *page) {
	if len(e.Accesses) == 0 {
		return
	}
	p.section("What it would do, and what policy says")
	shown, left := map[string]int{}, map[string]int{}
	var order []string
	for i, a := range e.Accesses {
		kind := a.sameness()
		shown[kind]++
		switch {
		case shown[kind] == 1:
			a.write(p, i+1)
		case shown[kind] <= shownAccesses:
			p.hang(2, fmt.Sprintf("%d. ", i+1), a.Words+": the same")
		default:
			if left[kind]++; left[kind] == 1 {
				order = append(order, kind)
			}
		}
	}
	for _, kind := range order {
		action, _, _ := strings.Cut(kind, "\n")
		p.line(2, fmt.Sprintf("… and %d more of %s with the same answer", left[kind], action))
	}
}

// sameness is equal for accesses that differ in their resource only.
func (a Access) sameness() string {
	parts := []string{a.Action, a.Verdict.String(), a.Layer}
	for _, s := range a.Statements {
		parts = append(parts, s.Name)
	}
	return strings.Join(append(parts, a.Undecided...), "\n")
}

func (a Access) write(p *page, number int) {
	p.hang(2, fmt.Sprintf("%d. ", number), p.bold.Sprint(a.Words))
	p.item("action", a.Action+strings.Join(a.marks(), ""))
	p.item("on", a.Resource)
	if a.Subject != "" {
		p.item("about", a.Subject+" (AWS does not look at it)")
	}
	for i, key := range slices.Sorted(maps.Keys(a.Context)) {
		p.item(once("known", i), key+" = "+strings.Join(a.Context[key].Values, ", "))
	}
	p.item("answer", a.answer(p))
	for _, s := range a.Statements {
		s.write(p, a)
	}
	for _, n := range a.Near {
		what := "nearly allowed"
		if a.Verdict == authz.Allowed {
			what = "nearly denied"
		}
		p.item("near", fmt.Sprintf("%s by %s, but for %s", what, n.Statement.quoted(), n.Condition))
	}
}

func (a Access) marks() (marks []string) {
	for _, m := range []struct {
		is   bool
		text string
	}{{a.Optional, "optional"}, {a.Unscopable, "unscopable"}, {a.Unverified, "unverified"}, {a.Creates, "creates it"}, {a.Global, "global"}} {
		if m.is {
			marks = append(marks, " ["+m.text+"]")
		}
	}
	return marks
}

// answer says in words what was decided about the access.
func (a Access) answer(p *page) string {
	text := ""
	switch {
	case a.Verdict == authz.Allowed:
		return p.good.Sprint("allowed")
	case a.Hopeless:
		text = p.bad.Sprint("refused") + ": no Allow of the persona's policies applies, whatever " + strings.Join(a.Undecided, ", ") + " may be"
	case a.Verdict == authz.ExplicitDeny && len(a.Undecided) > 0:
		text = p.bad.Sprint("refused") + ": a Deny of the " + a.Layer + " depends on " + strings.Join(a.Undecided, ", ") + ", which is not known"
	case a.Verdict == authz.ExplicitDeny:
		text = p.bad.Sprint("refused") + ": a Deny of the " + a.Layer + " applies"
	case len(a.Undecided) > 0:
		text = p.bad.Sprint("refused") + ": an Allow of the " + a.Layer + " depends on " + strings.Join(a.Undecided, ", ") + ", which is not known"
	default:
		text = p.bad.Sprint("refused") + ": no statement of the " + a.Layer + " documents allows it"
	}
	if a.Optional {
		text += "; the server goes on without it, so it is left out"
	}
	return text
}

func (s Statement) write(p *page, a Access) {
	label := "by"
	if a.Hopeless { // it is not what matters
		label = "besides"
	}
	p.item(label, s.quoted())
	for _, c := range s.Conditions {
		p.item("", "if "+c.String())
	}
}

func (s Statement) quoted() string {
	if s.Text == "" {
		return s.Name
	}
	return s.Name + " (" + s.Layer + "): " + s.Text
}

// String is the condition with what was wanted and what was seen.
func (c Condition) String() string {
	text := c.Key + " " + c.Operator
	if len(c.Wanted) > 0 {
		text += " " + strings.Join(c.Wanted, " or ")
	}
	switch {
	case c.State == Unknown:
		return text + "; it is unknown"
	case c.Seen == nil:
		return text + "; it is absent"
	}
	return text + "; it is " + strings.Join(c.Seen, ", ")
}

func (e *Explanation) writeGuardrails(p *page) {
	if len(e.Guardrails) == 0 {
		return
	}
	p.section("Guardrails that deny")
	for _, r := range e.Guardrails {
		p.line(2, p.bold.Sprint(r.Code)+": "+r.Title)
		p.line(4, r.Message)
		if r.Remedy != "" {
			p.line(4, "Remedy: "+r.Remedy)
		}
		if len(r.Needs) > 0 {
			p.line(4, "It depends on "+strings.Join(r.Needs, ", ")+", which is not known.")
		}
	}
}
