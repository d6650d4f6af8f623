package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (e *Explanation) writeOutcomes(p *page) {
	if len(e.Outcomes) < 2 {
		return
	}
	p.section("What the tags of the resource change")
	for _, o := range e.Outcomes {
		when := "otherwise"
		if len(o.If) > 0 {
			when = "with " + shortAlternatives(o.If)
		}
		answer := p.bad.Sprint(o.Reason)
		if o.Allow {
			answer = p.good.Sprint(o.Reason)
		}
		p.line(2, when+": "+answer)
	}
	p.line(2, "Settle it with --tag NAME=VALUE, or look it up with --facts.")
}

// shortAlternatives names the first few.
func shortAlternatives(list []string) string {
	const most = 6
	if len(list) > most {
		return fmt.Sprintf("%s or %d more", strings.Join(list[:most], " or "), len(list)-most)
	}
	return strings.Join(list, " or ")
}

func (e *Explanation) writeSuggestions(p *page) {
	if len(e.Suggestions) == 0 {
		if e.Answer == Refused && e.Class == "policy" && len(e.Accesses) > 0 && (e.Recorded == nil || e.Recorded.Same) {
			p.section("What would allow it")
			p.line(2, "No change was found that does: what denies it does so on purpose. Take it to whoever owns the policy.")
		}
		return
	}
	p.section("What would allow it (each decided again, the smallest first)")
	for i, s := range e.Suggestions {
		for j, c := range s.Changes {
			lead := fmt.Sprintf("%d. ", i+1)
			if j > 0 {
				lead = "   and: "
			}
			p.hang(2, lead, c.Text)
			p.block(8, indented(c.Statements))
			if c.Protects != "" {
				p.hang(5, p.warn.Sprint("Mind: "), c.Protects)
			}
		}
	}
}

// indented writes JSON over several lines, as it is pasted into a document.
func indented(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

func (e *Explanation) writeSession(p *page) {
	s := e.Session
	if s == nil {
		return
	}
	if s.Policy == nil {
		if e.Class != "credentials" && e.Answer != Refused {
			p.section("The session it gets")
			p.line(2, "None: "+s.None+".")
		}
		return
	}
	title := "The session it gets"
	if e.Answer == Depends {
		title = "The session it gets with " + s.If
	}
	p.section(title)
	p.field("role", e.Call.Role)
	p.field("size", fmt.Sprintf("%d of %d characters", s.Size, s.Limit))
	p.block(2, statementLines(s.Policy))
	for i, c := range s.Checks {
		p.field(once("AWS checks", i), c)
	}
	for i, c := range s.Unchecked {
		p.field(once("unchecked", i), c)
	}
}

// statementLines writes a policy with one statement a line.
func statementLines(raw json.RawMessage) string {
	var document struct{ Statement []json.RawMessage }
	if json.Unmarshal(raw, &document) != nil {
		return string(raw)
	}
	var lines []string
	for _, s := range document.Statement {
		lines = append(lines, string(s))
	}
	return strings.Join(lines, "\n")
}

// foot says what the answer rests on.
func (e *Explanation) foot(p *page) {
	if len(e.Accesses) == 0 && len(e.Notes) == 0 {
		return
	}
	p.section("What this rests on")
	switch e.Facts.Source {
	case "given":
		var tags []string
		for _, name := range slices.Sorted(maps.Keys(e.Facts.Tags)) {
			tags = append(tags, name+"="+e.Facts.Tags[name])
		}
		p.field("tags", "assumed: every resource that is looked up has "+strings.Join(tags, ", ")+" and no other tag")
	case "looked up":
		p.field("tags", "looked up where they could matter, as the proxy does")
	case "recorded":
		p.field("tags", "as they were known when it was decided")
	default:
		p.field("tags", "not looked up")
	}
	for i, problem := range e.Facts.Problems {
		p.field(once("problem", i), problem)
	}
	e.writeUnknown(p)
	p.field("policy", e.Revision)
	for i, note := range e.Notes {
		p.field(once("note", i), note)
	}
}

// writeUnknown says which condition keys nobody could fill, and which of them matter.
func (e *Explanation) writeUnknown(p *page) {
	unknown, matter := map[string]bool{}, map[string]bool{}
	for _, a := range e.Accesses {
		for _, key := range a.Unknown {
			unknown[key] = true
		}
		for _, key := range a.Undecided {
			matter[key] = true
		}
	}
	for _, r := range e.Guardrails {
		for _, key := range r.Needs {
			matter[key] = true
		}
	}
	text := "no condition key that matters"
	if len(matter) > 0 {
		text = strings.Join(slices.Sorted(maps.Keys(matter)), ", ") + ", which matters"
	}
	if len(unknown) > 0 {
		text += fmt.Sprintf(" (%d keys that AWS could compare are unknown; --json lists them)", len(unknown))
	}
	p.field("unknown", text)
}
