package demo

import (
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"
)

// Table shows steps for a person: in colour on a terminal, plain in a pipe.
type Table struct {
	w                        io.Writer
	good, bad, title, dimmed *color.Color
}

// NewTable writes to w.
func NewTable(w io.Writer) *Table {
	return &Table{w: w, good: color.New(color.FgGreen), bad: color.New(color.FgRed, color.Bold),
		title: color.New(color.Bold), dimmed: color.New(color.Faint)}
}

const ruler = "────────────────────────────────────────────────────────────────────────────────────────────────"

// Show writes one step.
func (t *Table) Show(s Step) error {
	var b strings.Builder
	mark := t.good.Sprint("ok")
	if !s.OK {
		mark = t.bad.Sprint("FAILED")
	}
	fmt.Fprintln(&b, t.dimmed.Sprint(ruler))
	fmt.Fprintf(&b, "%-3s %s  %s  %s\n", s.Number, t.title.Sprint(s.Title), t.dimmed.Sprintf("%s in %s", s.Persona, s.Region), mark)
	t.row(&b, "call", clip(s.Call, 150))
	for i, a := range s.Accesses {
		if i == 3 {
			t.row(&b, "", fmt.Sprintf("… and %d more", len(s.Accesses)-i))
			break
		}
		t.row(&b, labelOnce("access", i), a)
	}
	t.row(&b, "decision", t.decision(s))
	session := "none"
	if s.Session != "" {
		session = fmt.Sprintf("%s, session policy of %d characters", s.Session, s.PolicySize)
	}
	t.row(&b, "session", session)
	for i, seen := range s.AWS {
		t.row(&b, labelOnce("AWS saw", i), t.seen(seen))
	}
	if len(s.AWS) == 0 {
		t.row(&b, "AWS saw", "nothing")
	}
	for i, line := range strings.Split(clip(s.Client, 420), "\n") {
		t.row(&b, labelOnce("client", i), line)
	}
	for i, p := range s.Problems {
		t.row(&b, labelOnce("PROBLEM", i), t.bad.Sprint(p))
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

func (t *Table) decision(s Step) string {
	text := t.bad.Sprintf("refused (%s)", s.Decision)
	if s.Decision == "allowed" {
		text = t.good.Sprint("allowed")
	}
	if len(s.Statements) > 0 {
		text += " by " + strings.Join(s.Statements, ", ")
	}
	return text + t.dimmed.Sprint("  "+s.DecisionID)
}

func (t *Table) seen(r Seen) string {
	word := t.good.Sprint("allowed")
	if !r.Allowed {
		word = t.bad.Sprint("denied")
	}
	text := fmt.Sprintf("%s %s, by %s", r.Action, word, r.By)
	if !r.Allowed && r.Reason != "" {
		text += t.dimmed.Sprint("  " + r.Reason)
	}
	return text
}

func (t *Table) row(b *strings.Builder, label, text string) {
	if text != "" {
		fmt.Fprintf(b, "    %s %s\n", t.dimmed.Sprintf("%-9s", label), text)
	}
}

func labelOnce(label string, i int) string {
	if i > 0 {
		return ""
	}
	return label
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + " …"
	}
	return s
}

// Summary says what the story proved.
func Summary(ok bool) string {
	if !ok {
		return ruler + "\nA step did not end as it should; see PROBLEM above."
	}
	return ruler + `
Proved here: reads and a staging update went through with sessions of their own; a production delete,
another region, unknown names and a message with two readings were refused before the server saw them;
and AWS itself stopped a server that turned on its lender, during the call and after it.
(The audit log that the refusals name was removed with the demo's other files; a real one stays.)`
}
