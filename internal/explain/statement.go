package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

// named is a statement of a loaded document with the name that decisions have for it.
type named struct {
	name, layer string
	body        body
}

// body is a statement as policy.ReadDocument has let it pass.
type body struct {
	Sid, Effect                              string
	Action, NotAction, Resource, NotResource values
	Condition                                map[string]map[string]values
}

// values is what IAM lets be one or many, and unquoted.
type values []string

// UnmarshalJSON reads one value or a list; numbers and booleans as they are written.
func (v *values) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] != '[' {
		b = slices.Concat([]byte("["), b, []byte("]"))
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*v = values{}
	for _, r := range raw {
		text := string(r)
		if r[0] == '"' {
			if err := json.Unmarshal(r, &text); err != nil {
				return err
			}
		}
		*v = append(*v, text)
	}
	return nil
}

// library is every statement of a persona's documents.
func library(p policy.Persona) (all []named) {
	for _, layer := range []struct {
		name      string
		documents []policy.Document
	}{{"identity", p.Identity}, {"boundary", p.Boundary}, {"session", p.Session}, {"mcp", p.MCP}} {
		for _, d := range layer.documents {
			var document struct{ Statement json.RawMessage }
			if json.Unmarshal(d.JSON, &document) != nil {
				continue // it was read strictly before
			}
			list := bytes.TrimSpace(document.Statement)
			if len(list) > 0 && list[0] == '{' {
				list = slices.Concat([]byte("["), list, []byte("]"))
			}
			var bodies []body
			if json.Unmarshal(list, &bodies) != nil {
				continue
			}
			for i, b := range bodies {
				id := b.Sid
				if id == "" {
					id = fmt.Sprintf("#%d", i)
				}
				all = append(all, named{name: d.Name + "/" + id, layer: layer.name, body: b})
			}
		}
	}
	return all
}

// statementsNamed are the statements that a decision means by a name. There may
// be two: a document can stand in two layers.
func statementsNamed(documents []named, name string, a authz.Access, r authz.AccessResult) (out []Statement) {
	for _, n := range documents {
		if n.name == name && (n.body.Effect == "Deny") == (r.Verdict == authz.ExplicitDeny) {
			s := n.statement(a)
			for i, c := range s.Conditions {
				s.Conditions[i].State = Met
				if slices.ContainsFunc(r.Unknown, func(k string) bool { return strings.EqualFold(k, c.Key) }) {
					s.Conditions[i].State = Unknown
				}
			}
			out = append(out, s)
		}
	}
	if out == nil {
		out = []Statement{{Name: name}}
	}
	return out
}

// nearMiss is a statement that the one condition kept from matching; every
// other condition of it is met.
func nearMiss(documents []named, miss authz.NearMiss, a authz.Access, r authz.AccessResult) (out []Near) {
	for _, n := range documents {
		if n.name != miss.Statement || (n.body.Effect == "Deny") != (r.Verdict == authz.Allowed) {
			continue
		}
		near := Near{Statement: n.statement(a)}
		for i, c := range near.Statement.Conditions {
			near.Statement.Conditions[i].State = Met
			if c.Operator == miss.Operator && strings.EqualFold(c.Key, miss.Key) {
				near.Statement.Conditions[i].State = Failed
				near.Condition = near.Statement.Conditions[i]
			}
		}
		out = append(out, near)
	}
	if out == nil {
		c := Condition{Operator: miss.Operator, Key: miss.Key, State: Failed}
		c.Seen, _ = seen(a, miss.Key)
		out = []Near{{Statement: Statement{Name: miss.Statement}, Condition: c}}
	}
	return out
}

func (n named) statement(a authz.Access) Statement {
	s := Statement{Name: n.name, Layer: n.layer, Text: n.body.brief(a.Action), effect: n.body.Effect}
	for _, operator := range slices.Sorted(maps.Keys(n.body.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(n.body.Condition[operator])) {
			c := Condition{Operator: operator, Key: key, Wanted: n.body.Condition[operator][key]}
			c.Seen, _ = seen(a, key)
			s.Conditions = append(s.Conditions, c)
		}
	}
	return s
}

// brief quotes a statement in one line, without its conditions. Of many actions
// it names the one that was asked for, if it is spelled out.
func (b body) brief(action string) string {
	what := shortList(b.Action, action)
	if b.NotAction != nil {
		what = "everything but " + shortList(b.NotAction, "")
	}
	where := "on " + shortList(b.Resource, "")
	if b.NotResource != nil {
		where = "on everything but " + shortList(b.NotResource, "")
	}
	return fmt.Sprintf("%s %s %s", b.Effect, what, where)
}

// shortList names at most two of a list, the given one first.
func shortList(list values, first string) string {
	if i := slices.IndexFunc(list, func(s string) bool { return strings.EqualFold(s, first) }); i >= 0 && len(list) > 2 {
		return fmt.Sprintf("%s (one of %d)", list[i], len(list))
	}
	if len(list) > 2 {
		return fmt.Sprintf("%s, %s and %d more", list[0], list[1], len(list)-2)
	}
	return strings.Join(list, ", ")
}
