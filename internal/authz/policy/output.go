package policy

import (
	"encoding/json"
	"errors"
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
	rest := make([][2]*ast.Term, 0, object.Len()) // what is seldom there, read as JSON is
	object.Foreach(func(key, value *ast.Term) {
		name, _ := key.Value.(ast.String)
		list, isList := value.Value.(*ast.Array)
		switch {
		case isList && list.Len() == 0 && (name == "denies" || name == "obligations" || name == "session_deny"):
		case name == "context" && value.Equal(ast.InternedEmptyObject):
		case isList && name == "session_deny" && readSessionDenies(list, &d.SessionDeny):
		default:
			rest = append(rest, [2]*ast.Term{key, value})
		}
	})
	if len(rest) == 0 {
		return nil
	}
	return decodeValue(ast.NewObject(rest...), d)
}

// readSessionDenies reads statements that are as they should be. Others are for
// the decoder, which says what is wrong with them.
func readSessionDenies(list *ast.Array, denies *[]authz.SessionDeny) bool {
	read := make([]authz.SessionDeny, list.Len())
	for i := range read {
		statement, ok := list.Elem(i).Value.(ast.Object)
		if !ok || statement.Iter(func(key, value *ast.Term) error { return readMember(key, value, &read[i]) }) != nil {
			return false
		}
	}
	*denies = read
	return true
}

func readMember(key, value *ast.Term, deny *authz.SessionDeny) error {
	name, _ := text(key)
	var ok bool
	switch name {
	case "Action":
		deny.Action, ok = texts(value)
	case "Resource":
		deny.Resource, ok = texts(value)
	case "Condition":
		deny.Condition, ok = members(value, func(pairs *ast.Term) (map[string][]string, bool) { return members(pairs, texts) })
	}
	if !ok {
		return errOtherType
	}
	return nil
}

// members reads an object whose members are all alike.
func members[T any](term *ast.Term, read func(*ast.Term) (T, bool)) (map[string]T, bool) {
	object, ok := term.Value.(ast.Object)
	if !ok {
		return nil, false
	}
	all := make(map[string]T, object.Len())
	return all, object.Iter(func(key, value *ast.Term) error {
		name, ok := text(key)
		if !ok {
			return errOtherType
		}
		if all[name], ok = read(value); !ok {
			return errOtherType
		}
		return nil
	}) == nil
}

var errOtherType = errors.New("a value of another type")

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
