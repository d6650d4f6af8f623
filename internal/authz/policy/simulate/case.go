package simulate

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

// caseLine is one line. Members that may be left out are nil then.
type caseLine struct {
	ID       *string          `json:"id"`
	Policies []jsontext.Value `json:"policies"`
	Boundary jsontext.Value   `json:"boundary"`
	Session  jsontext.Value   `json:"session"`
	Request  *caseRequest     `json:"request"`
}

type caseRequest struct {
	// Principal says whom the case is about. What policies compare of it
	// (aws:PrincipalArn, tags) stands in Context.
	Principal string                    `json:"principal"`
	Action    string                    `json:"action"`
	Resource  string                    `json:"resource"`
	Context   map[string]jsontext.Value `json:"context"`
	Unknown   []string                  `json:"unknown"`
}

var (
	actionForm = regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9]+$`)
	arnForm    = regexp.MustCompile(`^arn:[^:]+:[^:]+:[^:]*:[^:]*:.+$`)
	keyForm    = regexp.MustCompile(`^[A-Za-z0-9-]+:[^\x00-\x1f${}*?]+$`)
)

// ReadCase reads one line, a question of one access, strictly: what it does not know, or could be read in
// two ways, is an error. The id is returned beside an error if it could be told.
func ReadCase(line []byte) (id string, q policy.Question, err error) {
	var c caseLine
	if err := json.Unmarshal(line, &c, json.RejectUnknownMembers(true)); err != nil {
		return idOf(line), q, fmt.Errorf("is no case: %w", reason(err))
	}
	if c.ID == nil {
		return "", q, errors.New(`"id" is missing`)
	}
	id = *c.ID
	switch {
	case c.Policies == nil:
		err = errors.New(`"policies" is missing; write [] for none`)
	case c.Request == nil:
		err = errors.New(`"request" is missing`)
	default:
		if q, err = c.documents(); err != nil {
			break
		}
		var access authz.Access
		access, err = c.Request.access()
		q.Accesses = []authz.Access{access}
	}
	return id, q, err
}

// reason says what is wrong with a line without the words of Go.
func reason(err error) error {
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New(strings.TrimPrefix(err.Error(), "jsontext: "))
	case !errors.As(err, &semantic):
		return fmt.Errorf("%s; write one JSON object a line", strings.TrimPrefix(err.Error(), "jsontext: "))
	case semantic.Err != nil:
		return fmt.Errorf("%q: %w", string(semantic.JSONPointer), semantic.Err)
	case semantic.JSONPointer == "":
		return errors.New("a JSON object is needed")
	}
	return fmt.Errorf("%q: a JSON %s does not belong there", string(semantic.JSONPointer), semantic.JSONKind)
}

// idOf finds the id of a line that is no case: the first member "id" of the
// object, as far as the line can be read.
func idOf(line []byte) string {
	d := jsontext.NewDecoder(strings.NewReader(string(line)), jsontext.AllowDuplicateNames(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return ""
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return ""
		}
		if name.String() == "id" && d.PeekKind() == '"' {
			id, err := d.ReadToken()
			if err != nil {
				return ""
			}
			return id.String()
		}
		if d.SkipValue() != nil {
			return ""
		}
	}
	return ""
}

func (c *caseLine) documents() (q policy.Question, err error) {
	names := map[string]bool{}
	if q.Identity, err = readLayer("policy", c.Policies, names); err != nil {
		return q, err
	}
	if c.Boundary != nil {
		boundary := []jsontext.Value{c.Boundary}
		if c.Boundary.Kind() == '[' {
			if err := json.Unmarshal(c.Boundary, &boundary); err != nil {
				return q, fmt.Errorf("boundary: %w", err)
			}
		}
		if len(boundary) == 0 {
			return q, errors.New("boundary: is an empty list, which could mean that nothing is allowed or that there is none; leave it out if there is none")
		}
		if q.Boundary, err = readLayer("boundary", boundary, names); err != nil {
			return q, err
		}
	}
	if c.Session != nil {
		q.Session, err = readLayer("session", []jsontext.Value{c.Session}, names)
	}
	return q, err
}

// readLayer reads documents, named policy0, policy1 and so on unless they come
// as {"name": …, "document": …}.
func readLayer(layer string, values []jsontext.Value, names map[string]bool) ([]policy.Document, error) {
	var documents []policy.Document
	for i, value := range values {
		name := fmt.Sprint(layer, i)
		if value.Kind() != '{' {
			return nil, fmt.Errorf("%s: must be a policy document, a JSON object", name)
		}
		named := struct {
			Name     *string        `json:"name"`
			Document jsontext.Value `json:"document"`
		}{}
		if err := json.Unmarshal(value, &named); err != nil {
			return nil, fmt.Errorf("%s: %w", name, reason(err))
		}
		if named.Document != nil {
			if err := json.Unmarshal(value, &named, json.RejectUnknownMembers(true)); err != nil {
				return nil, fmt.Errorf("%s: %w", name, reason(err))
			}
			if named.Name != nil {
				name = *named.Name
			}
			value = named.Document
		}
		if names[name] {
			return nil, fmt.Errorf("%s%d: another document is named %q, too, so the answer could not say which one decided", layer, i, name)
		}
		names[name] = true
		document, err := policy.ReadDocument(name, value)
		if err != nil {
			return nil, err
		}
		documents = append(documents, document)
	}
	return documents, nil
}

func (r *caseRequest) access() (a authz.Access, err error) {
	switch {
	case !actionForm.MatchString(r.Action):
		return a, fmt.Errorf("request.action: %q is no action; write service:Name, one action without wildcards", r.Action)
	case strings.HasPrefix(strings.ToLower(r.Action), "mcp:"):
		return a, fmt.Errorf("request.action: %q touches no AWS API; mcp documents are decided by the proxy alone", r.Action)
	case r.Resource != "*" && !arnForm.MatchString(r.Resource):
		return a, fmt.Errorf(`request.resource: %q is no ARN; write arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, or "*"`, r.Resource)
	case strings.ContainsFunc(r.Resource, isControl):
		return a, fmt.Errorf("request.resource: %q holds a control or private-use character, which no AWS name has", r.Resource)
	case r.Context == nil:
		return a, errors.New(`request.context: is missing; write {} for none`)
	}
	// There is no catalogue here that says whether an action has resources, so "*"
	// is taken for what it is in a request: the resource of an action without any.
	a = authz.Access{Action: r.Action, Resource: r.Resource, Unscopable: r.Resource == "*", Context: map[string]authz.Value{}, Unknown: r.Unknown}
	folded := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(r.Context)) {
		if !keyForm.MatchString(key) {
			return a, fmt.Errorf("request.context: %q is no condition key; write service:Name, such as aws:ResourceTag/Environment", key)
		}
		if other, ok := folded[strings.ToLower(key)]; ok {
			return a, fmt.Errorf("request.context: %q and %q are one condition key to IAM; give one", other, key)
		}
		folded[strings.ToLower(key)] = key
		if a.Context[key], err = readValue(r.Context[key]); err != nil {
			return a, fmt.Errorf("request.context: %s: %w", key, err)
		}
	}
	for _, key := range r.Unknown {
		if name := strings.TrimSuffix(key, "*"); name != "" && !keyForm.MatchString(name) && !keyForm.MatchString(name+"x") {
			return a, fmt.Errorf("request.unknown: %q is no condition key; write service:Name, or a beginning of it and *", key)
		}
		if _, ok := folded[strings.ToLower(key)]; ok {
			return a, fmt.Errorf("request.unknown: %q is in the context, too; a key that is known is not unknown", key)
		}
	}
	return a, nil
}

// readValue reads a context value: a text, or a list for a multi-valued key.
// Numbers and booleans stand for their text, as in a policy.
func readValue(v jsontext.Value) (authz.Value, error) {
	if v.Kind() != '[' {
		text, err := readScalar(v)
		return authz.One(text), err
	}
	var list []jsontext.Value
	if err := json.Unmarshal(v, &list); err != nil {
		return authz.Value{}, err
	}
	many := authz.Many()
	for _, item := range list {
		text, err := readScalar(item)
		if err != nil {
			return authz.Value{}, err
		}
		many.Values = append(many.Values, text)
	}
	return many, nil
}

func readScalar(v jsontext.Value) (text string, err error) {
	switch v.Kind() {
	case '"':
		err = json.Unmarshal(v, &text)
		return text, err
	case '0', 't', 'f':
		return string(v), nil
	}
	return "", errors.New("must be a string, or a list of strings")
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || r >= 0xe000 && r <= 0xe002 }
