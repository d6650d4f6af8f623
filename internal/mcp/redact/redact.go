package redact

import (
	"fmt"
	"maps"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// What the client sees instead.
const (
	valueMark = "[redacted by policy]"
	textMark  = "[withheld by policy: this text is not JSON and names what is kept from the client]"
	// base64 of "[withheld by policy]": what is not text stays well formed.
	binaryMark = "W3dpdGhoZWxkIGJ5IHBvbGljeV0="
)

// Redactor redacts the members that obligations name. A nil Redactor changes
// nothing. It never changes itself and is safe for concurrent use.
type Redactor struct {
	names  names            // whose values are taken out wherever they are
	within map[string]names // folded; those that are taken out within a member
}

// names of members, folded.
type names map[string]bool

// New returns the Redactor for the obligations, nil if there are none. An
// obligation that is not understood is an error: the call must be refused.
func New(obligations []authz.Obligation) (*Redactor, error) {
	if len(obligations) == 0 {
		return nil, nil
	}
	r := &Redactor{names: names{}, within: map[string]names{}}
	for _, o := range obligations {
		if err := o.Check(); err != nil {
			return nil, fmt.Errorf("carry out obligation: %w", err)
		}
		for _, name := range o.Members {
			outer, inner, enclosed := strings.Cut(fold(name), ".")
			switch {
			case !enclosed:
				r.names[outer] = true
			case r.within[outer] == nil:
				r.within[outer] = names{inner: true}
			default:
				r.within[outer][inner] = true
			}
		}
	}
	return r, nil
}

// Keeps reports whether values of a member are kept from the client, or some of
// those that stand in it.
func (r *Redactor) Keeps(member string) bool {
	if r == nil {
		return false
	}
	folded := fold(member)
	return r.names[folded] || r.within[folded] != nil
}

// With returns a Redactor of the members of both.
func (r *Redactor) With(other *Redactor) *Redactor {
	if r == nil || other == nil {
		if r == nil {
			return other
		}
		return r
	}
	joined := &Redactor{maps.Clone(r.names), map[string]names{}}
	maps.Copy(joined.names, other.names)
	for _, within := range []map[string]names{r.within, other.within} {
		for outer, inner := range within {
			if joined.within[outer] == nil {
				joined.within[outer] = names{}
			}
			maps.Copy(joined.within[outer], inner)
		}
	}
	return joined
}

// Response returns the server's response m as the client may see it, and how
// many values were taken out.
func (r *Redactor) Response(m *wire.Message) (line []byte, count int) {
	return r.redacted(m, response)
}

// Polled is Response of an answer that describes a task, in which the answer of its
// call may stand.
func (r *Redactor) Polled(m *wire.Message) (line []byte, count int) {
	return r.redacted(m, polling)
}

func (r *Redactor) redacted(m *wire.Message, l *level) (line []byte, count int) {
	if r == nil {
		return m.Raw, 0
	}
	w := walk(r, m.Raw, l)
	if w.err != nil { // cannot be: m was read
		return wire.ErrorResponse(m.ID, withheldCode, "ecs-mcp-proxy: the answer cannot be redacted, so it is withheld", nil), 1
	}
	return apply(m.Raw, w.edits), w.count
}

// withheldCode is JSON-RPC's internal error. Source: JSON-RPC 2.0 section 5.1.
const withheldCode = -32603

// Mentions reports whether a notification or a request of the server holds
// anything that Response would take out.
func (r *Redactor) Mentions(m *wire.Message) bool {
	if r == nil {
		return false
	}
	form := message
	if m.TellsOfTask() { // it may hold the answer of the task's call
		form = telling
	}
	w := walk(r, m.Raw, form)
	return w.err != nil || w.count > 0
}
