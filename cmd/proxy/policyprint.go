package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

// printer writes policy for people; it remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
}

func (p *printer) persona(s shown) {
	p.line("persona     %s", s.Persona)
	p.line("principals  %s", orNobody(s.Principals))
	p.line("role        %s", s.Role)
	p.line("region      %s", s.Region)
	if s.Mode == config.ModeShadow {
		p.line("mode        shadow: what policy denies is recorded, and goes ahead")
	}
	p.line("revision    %s", s.Revision)
	p.documents("identity", s.Identity, "nothing at AWS is allowed")
	p.documents("boundary", s.Boundary, "nothing limits the identity documents")
	if len(s.Session) > 0 {
		p.documents("session", s.Session, "")
	}
	p.documents("mcp", s.MCP, "no tool is allowed that calls no AWS API")
	p.line("")
	p.line("guardrails")
	p.guardrails(s.states)
}

func orNobody(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}

func (p *printer) documents(layer string, documents []shownDocument, without string) {
	p.line("")
	if len(documents) == 0 {
		p.line("%s: none, so %s", layer, without)
	}
	for _, d := range documents {
		p.line("%s: %s", layer, d.Name)
		for _, s := range statementsOf(d.Document) {
			p.statement(s)
		}
	}
}

// iamStatement is one statement of a document that was read strictly.
type iamStatement struct {
	Sid, Effect                              string
	Action, NotAction, Resource, NotResource any
	Condition                                map[string]map[string]any
}

func statementsOf(document json.RawMessage) []iamStatement {
	var many struct{ Statement []iamStatement }
	if json.Unmarshal(document, &many) == nil {
		return many.Statement
	}
	var one struct{ Statement iamStatement }
	if json.Unmarshal(document, &one) == nil {
		return []iamStatement{one.Statement}
	}
	return nil
}

func (p *printer) statement(s iamStatement) {
	p.line("  %-5s  %s", s.Effect, s.Sid)
	p.words("", s.Action)
	p.words("all but ", s.NotAction)
	p.words("on ", s.Resource)
	p.words("on all but ", s.NotResource)
	for _, operator := range slices.Sorted(maps.Keys(s.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(s.Condition[operator])) {
			p.line("         if %s %s: %s", operator, key, strings.Join(words(s.Condition[operator][key]), " or "))
		}
	}
}

// words prints a list in lines of a readable length.
func (p *printer) words(before string, value any) {
	if value == nil {
		return
	}
	line := before
	for i, word := range words(value) {
		if i > 0 {
			line += ", "
		}
		if len(line)+len(word) > 110 && line != before {
			p.line("         %s", line)
			line = strings.Repeat(" ", len(before))
		}
		line += word
	}
	p.line("         %s", line)
}

// words are the texts of what IAM lets be one or many.
func words(value any) (all []string) {
	many, ok := value.([]any)
	if !ok {
		many = []any{value}
	}
	for _, one := range many {
		all = append(all, fmt.Sprint(one))
	}
	return all
}

func (p *printer) guardrails(states map[string]policy.GuardrailState) {
	for _, name := range slices.Sorted(maps.Keys(states)) {
		s, state := states[name], "on"
		if s.Off {
			state = "off"
		}
		p.line("  %-3s  %-20s %s", state, name, s.Title)
		for _, key := range slices.Sorted(maps.Keys(s.Settings)) {
			p.line("       %-20s   %s: %s", "", key, settingText(s.Settings[key]))
		}
	}
}

func settingText(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(b)
}
