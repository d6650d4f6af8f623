package policy

import (
	"encoding/json"
	"fmt"

	strictjson "github.com/go-json-experiment/json"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// readDecision reads what Rego answered, strictly: a member that Go does not know
// may be one that was meant to deny.
func readDecision(value ast.Value, d *authz.Decision) error {
	object, ok := value.(ast.Object)
	if !ok {
		return fmt.Errorf("%w: read result: the decision is %s and no object", ErrPolicy, ast.ValueName(value))
	}
	rest := make([][2]*ast.Term, 0, 4) // what is seldom there, read as JSON is
	err := object.Iter(func(key, value *ast.Term) error {
		name, _ := key.Value.(ast.String)
		ok := true
		switch list, isList := value.Value.(*ast.Array); {
		case name == "allow":
			d.Allow, ok = boolean(value)
		case name == "accesses" && isList:
			d.Accesses = make([]authz.AccessResult, list.Len())
			for i := range d.Accesses {
				if i > 0 && list.Elem(i) == list.Elem(i-1) { // shared, as answerTerm does
					d.Accesses[i] = d.Accesses[i-1].Clone()
					continue
				}
				if err := readResult(list.Elem(i), &d.Accesses[i]); err != nil {
					return fmt.Errorf("%w: read result: access %d: %w", ErrPolicy, i, err)
				}
			}
		case isList && list.Len() == 0 && (name == "denies" || name == "obligations" || name == "session_deny"):
		case name == "context" && value.Equal(ast.InternedEmptyObject):
		default:
			rest = append(rest, [2]*ast.Term{key, value})
		}
		if !ok {
			return fmt.Errorf("%w: read result: %s is %s", ErrPolicy, name, ast.ValueName(value.Value))
		}
		return nil
	})
	if err != nil || len(rest) == 0 {
		return err
	}
	return decodeValue(ast.NewObject(rest...), d)
}

func readResult(term *ast.Term, r *authz.AccessResult) error {
	object, ok := term.Value.(ast.Object)
	if !ok {
		return fmt.Errorf("is %s", ast.ValueName(term.Value))
	}
	return object.Iter(func(key, value *ast.Term) error {
		name, _ := key.Value.(ast.String)
		ok := true
		switch name {
		case "decision":
			var word string
			if word, ok = text(value); ok {
				return r.Verdict.UnmarshalText([]byte(word))
			}
		case "layer":
			r.Layer, ok = text(value)
		case "possible":
			r.Possible, ok = boolean(value)
		case "statements":
			r.Statements, ok = texts(value)
		case "unknown":
			r.Unknown, ok = texts(value)
		case "needs":
			r.Needs, ok = texts(value)
		case "near":
			return readNear(value, &r.Near)
		default:
			return fmt.Errorf("has a member %s, which nobody knows", key)
		}
		if !ok {
			return fmt.Errorf("%s is %s", name, ast.ValueName(value.Value))
		}
		return nil
	})
}

func readNear(term *ast.Term, near *[]authz.NearMiss) error {
	list, ok := term.Value.(*ast.Array)
	if !ok {
		return fmt.Errorf("near is %s", ast.ValueName(term.Value))
	}
	for i := range list.Len() {
		object, ok := list.Elem(i).Value.(ast.Object)
		if !ok {
			return fmt.Errorf("near has %s", ast.ValueName(list.Elem(i).Value))
		}
		var miss authz.NearMiss
		fields := map[ast.String]*string{"statement": &miss.Statement, "key": &miss.Key, "operator": &miss.Operator}
		err := object.Iter(func(key, value *ast.Term) error {
			name, _ := key.Value.(ast.String)
			field := fields[name]
			if field == nil {
				return fmt.Errorf("near has a member %s, which nobody knows", key)
			}
			if *field, ok = text(value); !ok {
				return fmt.Errorf("%s of near is %s", name, ast.ValueName(value.Value))
			}
			return nil
		})
		if err != nil {
			return err
		}
		*near = append(*near, miss)
	}
	return nil
}

// decodeValue reads a value as JSON, strictly.
func decodeValue(value ast.Value, target any) error {
	if list, ok := value.(*ast.Array); ok && list.Len() == 0 {
		return nil
	}
	decoded, err := ast.JSON(value)
	if err != nil {
		return fmt.Errorf("%w: read result: %w", ErrPolicy, err)
	}
	return decode(decoded, target)
}

// decode takes members by their exact names: a second one in another case must
// not replace the first.
func decode(value, target any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("%w: read result: %w", ErrPolicy, err)
	}
	if err := strictjson.Unmarshal(b, target, strictjson.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("%w: read result: %w", ErrPolicy, err)
	}
	return nil
}
