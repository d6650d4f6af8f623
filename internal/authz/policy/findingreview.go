package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/reference"
)

// Warnings says what is legal in the document and hardly does what was meant:
// names that AWS does not have, statements that can never match, and patterns
// that match more than they seem to. It is sure of what it says, or silent.
func (d Document) Warnings() []Finding {
	statements, err := d.statements()
	if err != nil {
		return nil // a Document that nobody read; New refuses it
	}
	r := reviewer{lines: d.lines, variables: d.hasVariables()}
	for i, s := range statements {
		r.statement(fmt.Sprintf("Statement[%d]", i), s)
	}
	return d.located(Warning, r.findings)
}

// hasVariables: under the Version of 2008, which is the default, ${…} is text.
func (d Document) hasVariables() bool {
	value, err := d.value()
	document, _ := value.(map[string]any)
	return err == nil && document["Version"] == "2012-10-17"
}

type reviewer struct {
	lines     lines
	variables bool
	findings  []Finding
}

func (r *reviewer) warn(place, format string, args ...any) {
	r.findings = append(r.findings, Finding{Place: place, Line: r.lines.of(place), Message: fmt.Sprintf(format, args...)})
}

// reviewed is a statement with what the reference says about its actions.
type reviewed struct {
	statement
	place  string
	allows bool
	// named are the actions that are written without wildcards, all those that
	// the statement is about. Both are without what the reference does not know.
	named, all []reference.Action
	// sure: all is everything, so what none of them has, the statement has not.
	sure bool
}

func (r *reviewer) statement(place string, s statement) {
	v := reviewed{statement: s, place: place, allows: s["Effect"] == "Allow"}
	r.actions(&v)
	r.negations(v)
	r.resources(v)
	r.conditions(v)
	r.passRole(v)
	if !r.variables {
		r.literals(place, map[string]any(s))
	}
}

// texts are the texts of an element, each with its place.
func (v reviewed) texts(element string) (texts []placed) {
	value, present := v.statement[element]
	if !present {
		return nil
	}
	return placedTexts(v.place+"."+element, value)
}

type placed struct{ place, text string }

func placedTexts(place string, value any) (texts []placed) {
	values := list(value)
	for i, one := range values {
		if _, isObject := one.(map[string]any); !isObject {
			texts = append(texts, placed{element(place, i, values), fmt.Sprint(one)})
		}
	}
	return texts
}

// operators are the operators of the Condition, sorted, each with its keys.
func (v reviewed) operators() (all []operator) {
	block, _ := v.statement["Condition"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(block)) {
		keys, _ := block[name].(map[string]any)
		o := operatorOf(name)
		o.place, o.keys = v.place+".Condition."+name, keys
		all = append(all, o)
	}
	return all
}

// operator is one condition operator of a statement.
type operator struct {
	name, bare, set, place string
	ifExists               bool
	keys                   map[string]any
}

func operatorOf(name string) operator {
	o := operator{name: name, bare: strings.ToLower(name)}
	for _, set := range []string{"ForAllValues:", "ForAnyValue:"} {
		if rest, ok := strings.CutPrefix(o.bare, strings.ToLower(set)); ok {
			o.bare, o.set = rest, set
		}
	}
	o.bare, o.ifExists = strings.CutSuffix(o.bare, "ifexists")
	return o
}

// holdsWhenAbsent: the operator is true for a key that the request does not carry.
func (o operator) holdsWhenAbsent() bool {
	return o.set != "ForAnyValue:" && (o.ifExists || o.set == "ForAllValues:" || operators[o.bare].negated)
}

// literals warns of variables that are none.
func (r *reviewer) literals(place string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			r.literals(place+"."+key, v[key])
		}
	case []any:
		for i, one := range v {
			r.literals(element(place, i, v), one)
		}
	case string:
		if found := variableForm.FindString(v); found != "" {
			r.warn(place, `%s is text here, and no variable; write "Version": "2012-10-17" for policy variables`, found)
		}
	}
}
