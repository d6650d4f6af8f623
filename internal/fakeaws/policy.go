package fakeaws

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrPolicy is the class of a policy document that IAM would not take.
var ErrPolicy = errors.New("malformed policy document")

// A document is one IAM policy.
type document struct {
	name       string
	statements []statement
}

// A statement matches a request if its action, its resource and all its
// conditions do.
type statement struct {
	name        string // the Sid, or "#INDEX"
	deny        bool
	actions     []pattern
	notAction   bool
	resources   []pattern
	notResource bool
	conditions  []condition
}

// Policy variables exist since this version; without a Version element a
// document is of the earlier one.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

var (
	sidPattern    = regexp.MustCompile(`^[A-Za-z0-9]*$`)
	actionPattern = regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$`)
)

// parsePolicy reads an identity policy, boundary or session policy strictly:
// unknown elements, operators, versions, duplicate keys and principals are
// errors of class ErrPolicy.
// Source: IAM User Guide, "Grammar of the IAM JSON policy language".
func parsePolicy(name, text string) (document, error) {
	d, err := readPolicy(text)
	if err != nil {
		return document{}, fmt.Errorf("%w: read policy %q: %w", ErrPolicy, name, err)
	}
	d.name = name
	return d, nil
}

func readPolicy(text string) (document, error) {
	top, err := members(jsontext.Value(text))
	if err != nil {
		return document{}, err
	}
	variables := false
	var statements []jsontext.Value
	for key, v := range top {
		switch key {
		case "Version":
			version, err := text1(v)
			if err != nil || version != version2008 && version != version2012 {
				return document{}, fmt.Errorf("the Version is neither %s nor %s", version2012, version2008)
			}
			variables = version == version2012
		case "Id":
			if _, err := text1(v); err != nil {
				return document{}, err
			}
		case "Statement":
			statements = oneOrMore(v)
		default:
			return document{}, fmt.Errorf("unknown element %q", key)
		}
	}
	if len(statements) == 0 {
		return document{}, errors.New("the policy has no Statement")
	}
	var d document
	sids := map[string]bool{}
	for i, v := range statements {
		s, err := readStatement(v, variables)
		if err != nil {
			return document{}, fmt.Errorf("statement %d: %w", i, err)
		}
		if s.name == "" {
			s.name = "#" + strconv.Itoa(i)
		} else if sids[s.name] {
			return document{}, fmt.Errorf("statement %d: the Sid %q is not unique", i, s.name)
		}
		sids[s.name] = true
		d.statements = append(d.statements, s)
	}
	return d, nil
}

func readStatement(v jsontext.Value, variables bool) (statement, error) {
	elements, err := members(v)
	if err != nil {
		return statement{}, err
	}
	var s statement
	effect := false
	for name, v := range elements {
		var err error
		switch name {
		case "Sid":
			s.name, err = text1(v)
			if err == nil && !sidPattern.MatchString(s.name) {
				err = errors.New("a Sid holds letters and digits only")
			}
		case "Effect":
			var word string
			word, err = text1(v)
			if err == nil && word != "Allow" && word != "Deny" {
				err = errors.New("the Effect is neither Allow nor Deny")
			}
			s.deny, effect = word == "Deny", true
		case "Action", "NotAction":
			s.notAction = name == "NotAction"
			s.actions, err = readActions(v)
		case "Resource", "NotResource":
			s.notResource = name == "NotResource"
			s.resources, err = readResources(v, variables)
		case "Condition":
			s.conditions, err = readConditions(v, variables)
		case "Principal", "NotPrincipal":
			err = errors.New("only a resource-based policy has a principal")
		default:
			err = errors.New("unknown element")
		}
		if err != nil {
			return statement{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	if !effect {
		return statement{}, errors.New("the Effect is missing")
	}
	for _, pair := range [][2]string{{"Action", "NotAction"}, {"Resource", "NotResource"}} {
		_, plain := elements[pair[0]]
		_, not := elements[pair[1]]
		if plain == not {
			return statement{}, fmt.Errorf("exactly one of %s and %s is needed", pair[0], pair[1])
		}
	}
	return s, nil
}

// readActions reads "*" or PREFIX:NAME with wildcards in NAME, in lower case:
// IAM compares actions without case.
func readActions(v jsontext.Value) ([]pattern, error) {
	names, err := texts(v)
	if err != nil {
		return nil, err
	}
	var actions []pattern
	for _, name := range names {
		if name != "*" && !actionPattern.MatchString(name) {
			return nil, fmt.Errorf("%q is not PREFIX:NAME", name)
		}
		p, err := parsePattern(strings.ToLower(name), false, true)
		if err != nil {
			return nil, err
		}
		actions = append(actions, p)
	}
	return actions, nil
}

// readResources reads ARNs with wildcards; variables may stand in the last
// segment alone.
func readResources(v jsontext.Value, variables bool) ([]pattern, error) {
	names, err := texts(v)
	if err != nil {
		return nil, err
	}
	var resources []pattern
	for _, name := range names {
		if name != "*" && !strings.HasPrefix(name, "arn:") {
			return nil, fmt.Errorf(`%q is neither an ARN nor "*"`, name)
		}
		segments := strings.SplitN(name, ":", arnParts)
		if variables && strings.Contains(strings.Join(segments[:min(len(segments), arnParts-1)], ":"), "${") {
			return nil, fmt.Errorf("%q has a policy variable outside the resource part", name)
		}
		p, err := parsePattern(name, variables, true)
		if err != nil {
			return nil, err
		}
		resources = append(resources, p)
	}
	return resources, nil
}

// readConditions reads operator, key, values; unquoted booleans and numbers
// stand for their text.
func readConditions(v jsontext.Value, variables bool) ([]condition, error) {
	blocks, err := members(v)
	if err != nil {
		return nil, err
	}
	var conditions []condition
	var seen []string
	for name, block := range blocks {
		c, err := parseOperator(name)
		if err != nil {
			return nil, err
		}
		byKey, err := members(block)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for key, v := range byKey {
			folded := strings.ToLower(name + "\x00" + key)
			if slices.Contains(seen, folded) {
				return nil, fmt.Errorf("%s: the key %q stands twice", name, key)
			}
			seen = append(seen, folded)
			values, err := scalars(v)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, key, err)
			}
			c, err := c.withValues(key, values, variables)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, key, err)
			}
			conditions = append(conditions, c)
		}
	}
	return conditions, nil
}
