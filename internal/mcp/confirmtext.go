package mcp

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/redact"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// The bounds of what a user is shown.
const (
	shownAccesses = 10
	shownText     = 300 // runes of one line
)

// confirmText puts a call to the client's user: what it would do and to what, as
// policy decided it, with which arguments, and never a fact that was looked up. Names
// and values come from the call, so whoever wrote it must not be able to write more
// than these. On record the text is without the values.
func (g *Gate) confirmText(m *wire.Message, judged judgement, redactor *redact.Redactor) (text, recorded string) {
	granted := judged.decision.Granted(judged.request)
	var aws []string
	for _, a := range granted {
		if !a.IsMCP() {
			aws = append(aws, plain(accessText(a)))
		}
	}
	what := m.Name
	if operation := judged.request.Call.Operation; operation != "" {
		what += ": " + operation
	}
	lines := []string{plain(fmt.Sprintf("May the agent call %s of %s?", what, g.Catalog.Server()))}
	if len(aws) == 0 {
		lines = append(lines, "It does nothing at AWS.")
	} else {
		lines = append(lines, plain(fmt.Sprintf("In account %s, region %s, it would:", g.Caller.Env.Account, g.Caller.Env.Region)))
		for _, text := range aws[:min(len(aws), shownAccesses)] {
			lines = append(lines, "- "+text)
		}
		if more := len(aws) - shownAccesses; more > 0 {
			lines = append(lines, fmt.Sprintf("and %d more such things.", more))
		}
	}
	arguments := argumentLines(m.Arguments, redactor.Keeps)
	without := lines
	if len(arguments) > 0 {
		without = append(slices.Clip(lines), "with arguments, which were shown and of which this record has the SHA-256")
		lines = append(append(slices.Clip(lines), "with the arguments:"), arguments...)
	}
	var end []string
	for _, o := range judged.decision.Obligations {
		if o.Kind == authz.ObligationConfirm && o.Message != "" {
			end = append(end, plain(o.Message))
		}
	}
	end = append(end, "Accepting lets this one call go ahead. Anything else refuses it.")
	return strings.Join(append(lines, end...), "\n"), strings.Join(append(without, end...), "\n")
}

// accessText is one access in words, with the action as IAM spells it.
func accessText(a authz.Access) string {
	if a.Named != "" { // what it stands for was looked up
		return a.Action + " on " + a.Named
	}
	return fmt.Sprintf("%s (%s)", a.Words(), a.Action)
}

// plain makes text one short line of what can be seen: characters that control a
// terminal, turn the direction of writing, take no room or are written over others
// become a question mark; an accent or two do not.
func plain(text string) string { return plainTo(text, shownText) }

// plainTo is plain of at most that many characters.
func plainTo(text string, most int) string {
	var out strings.Builder
	n, marks := 0, 0
	for _, r := range text {
		if n++; n > most {
			return out.String() + "…"
		}
		if marks++; !unicode.Is(unicode.M, r) {
			marks = 0
		}
		over := marks > 2 || unicode.Is(unicode.Me, r) || 0x334 <= r && r <= 0x338
		if over || r != ' ' && !unicode.IsGraphic(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			r = '?'
		}
		out.WriteRune(r)
	}
	return out.String()
}
