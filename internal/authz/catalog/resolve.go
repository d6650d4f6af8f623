package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/misspelled"
)

// call is one call while it is resolved.
type call struct {
	env   Env
	args  *value            // the operation's own arguments
	at    string            // where they are, "api_params"
	parts map[string]string // the parts that single resources have named: "cluster"
	refs  map[string][]*ref // by name of the resource
}

const resourceAccount = "aws:ResourceAccount"

// answerMargin is what a server gets on top of a time-out that it was told.
const answerMargin = 30 * time.Second

// Resolve works out what a tools/call will do at AWS. args is its arguments
// object. The error is an ErrUnknownTool, an ErrUnknownOperation or an
// ErrArgument whose text may be shown to the caller; anything else means env is
// not usable.
func (c *Catalog) Resolve(env Env, name string, args json.RawMessage) (*Resolution, error) {
	if err := env.check(); err != nil {
		return nil, err
	}
	t, ok := c.tools[name]
	if !ok {
		return nil, fmt.Errorf("%w %s%s", ErrUnknownTool, quote(name), misspelled.Hint(name, maps.Keys(c.tools)))
	}
	v, err := read(args)
	if err != nil {
		return nil, err
	}
	if v.kind != '{' {
		return nil, refuse("", "must be an object")
	}
	selected, o, err := t.operation(v)
	if err != nil {
		return nil, err
	}
	if o.refuse != "" {
		return nil, refuse(t.selector, "%s cannot be called: %s", selected, o.refuse)
	}
	k := &call{env: env, args: v, parts: map[string]string{}, refs: map[string][]*ref{}}
	if t.parameters != "" {
		k.at = t.parameters
		if k.args, err = t.ownArguments(v); err != nil {
			return nil, err
		}
	}
	if !o.anyArguments {
		if err := o.input.check(k.args, k.at); err != nil {
			return nil, err
		}
	}
	accesses, err := k.accesses(o)
	if err != nil {
		return nil, err
	}
	r := &Resolution{
		Tool: name, Operation: selected, Accesses: accesses,
		Write: o.write, Sensitive: o.sensitive, LongRunning: o.longRunning,
		EscapesScope: o.escapesScope, LeavesCredentials: o.leavesCredentials,
		Timeout: o.timeout,
	}
	if o.timeoutFrom != nil {
		r.Wait, r.WaitArgument = k.wait(o), strings.Join(o.timeoutFrom, ".")
		r.Timeout = r.Wait + answerMargin
	}
	return r, nil
}

// operation finds the operation that the arguments select.
func (t *tool) operation(v *value) (string, *operation, error) {
	if t.selector == "" {
		return "", t.operations[""], nil
	}
	known := map[string]bool{t.selector: true}
	if t.parameters != "" {
		known[t.parameters] = true
	}
	for _, name := range v.names {
		if !known[name] {
			return "", nil, refuse(printable(name), "is not a known argument%s", misspelled.Hint(name, maps.Keys(known)))
		}
	}
	i := slices.Index(v.names, t.selector)
	if i < 0 {
		if t.def == "" {
			return "", nil, refuse(t.selector, "is required")
		}
		return t.def, t.operations[t.def], nil
	}
	if v.members[i].kind != '"' {
		return "", nil, refuse(t.selector, "must be a string")
	}
	name := v.members[i].text
	o, ok := t.operations[name]
	if !ok {
		return "", nil, fmt.Errorf("%w %s of %s%s", ErrUnknownOperation, quote(name), t.selector, misspelled.Hint(name, maps.Keys(t.operations)))
	}
	return name, o, nil
}

// ownArguments returns the object that holds the operation's arguments.
func (t *tool) ownArguments(v *value) (*value, error) {
	i := slices.Index(v.names, t.parameters)
	if i < 0 || v.members[i].kind == 'n' && t.nullable {
		return &value{kind: '{'}, nil
	}
	return v.members[i], nil // its type is checked against the operation's shape
}

// wait is how long the arguments say, or else the catalogue.
func (k *call) wait(o *operation) time.Duration {
	if given := k.args.find(o.timeoutFrom, k.at); len(given) == 1 {
		if seconds, err := strconv.Atoi(given[0].text); err == nil {
			return time.Duration(seconds) * time.Second
		}
	}
	return o.timeout
}

// globalRegion is what AWS carries as requested region of a global service.
// Source: IAM user guide, aws:RequestedRegion.
func globalRegion(partition string) string {
	switch partition {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	}
	return "us-east-1"
}

var (
	partitionName = regexp.MustCompile(`\Aaws(-[a-z]+){0,3}\z`)
	accountID     = regexp.MustCompile(`\A[0-9]{12}\z`)
	regionName    = regexp.MustCompile(`\A[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}\z`)
)

func (e Env) check() error {
	if !partitionName.MatchString(e.Partition) || !accountID.MatchString(e.Account) || !regionName.MatchString(e.Region) {
		return fmt.Errorf("resolve call: partition %s, account %s and region %s of the persona's role are not AWS's",
			quote(e.Partition), quote(e.Account), quote(e.Region))
	}
	return nil
}
