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

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
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
		return nil, fmt.Errorf("%w %s%s", ErrUnknownTool, quote(name), didYouMean(name, c.tools))
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
		Write: o.write, Sensitive: o.sensitive, LongRunning: o.longRunning, EscapesScope: o.escapesScope,
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
			return "", nil, refuse(printable(name), "is not a known argument%s", didYouMean(name, known))
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
		return "", nil, fmt.Errorf("%w %s of %s%s", ErrUnknownOperation, quote(name), t.selector, didYouMean(name, t.operations))
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

// accesses binds the resources that the arguments name and lists the accesses.
func (k *call) accesses(o *operation) ([]authz.Access, error) {
	if err := k.bind(o.resources); err != nil {
		return nil, err
	}
	wanted := o.accesses
	if len(o.choices) > 0 {
		chosen, err := k.choose(o.choices)
		if err != nil {
			return nil, err
		}
		if err := k.bind(chosen.resources); err != nil {
			return nil, err
		}
		wanted = slices.Concat(chosen.accesses, wanted)
	}
	var list []authz.Access
	for _, a := range wanted {
		var err error
		if list, err = k.expand(list, a); err != nil {
			return nil, err
		}
	}
	if len(list) == 0 {
		return nil, refuse(k.at, "names no resource")
	}
	return list, nil
}

func (k *call) given(path []string) bool { return len(k.args.find(path, k.at)) > 0 }

func (k *call) choose(choices []choice) (*choice, error) {
	var ways []string
	for i, c := range choices {
		if !slices.ContainsFunc(c.given, func(path []string) bool { return !k.given(path) }) {
			return &choices[i], nil
		}
		var names []string
		for _, path := range c.given {
			names = append(names, strings.Join(path, "."))
		}
		ways = append(ways, strings.Join(names, " and "))
	}
	return nil, refuse(k.at, "must have %s", strings.Join(ways, ", or "))
}

// expand appends the accesses that one entry of the catalogue stands for.
func (k *call) expand(list []authz.Access, a *access) ([]authz.Access, error) {
	if a.when != nil && !k.given(a.when) || a.unless != nil && k.given(a.unless) {
		return list, nil
	}
	switch {
	case a.resource != "":
		for _, r := range k.refs[a.resource] {
			arn := r.arn
			if a.kind != nil {
				arn, _ = a.kind.arn.render(k.env, r.parts)
			}
			var err error
			if list, err = k.add(list, a, arn, r); err != nil {
				return nil, err
			}
		}
		return list, nil
	case a.arn != "":
		arn, missing := a.arn.render(k.env, k.parts)
		if len(missing) > 0 {
			return nil, refuse(k.at, "does not name its %s", strings.Join(missing, " and "))
		}
		return k.add(list, a, arn, nil)
	case a.kind != nil:
		r := a.kind.all(k.env, k.parts)
		return k.add(list, a, r.arn, r)
	}
	return k.add(list, a, "*", nil)
}

// add appends the access on one resource, once for each of its subjects.
func (k *call) add(list []authz.Access, a *access, arn string, r *ref) ([]authz.Access, error) {
	if a.subject == "" {
		return k.addOne(list, a, arn, r, "")
	}
	subjects := k.refs[a.subject]
	switch {
	case a.subject == a.resource:
		subjects = []*ref{r}
	case len(subjects) == 0: // left out: its tags stay unknown
		return k.addOne(list, a, arn, r, "")
	}
	for _, subject := range subjects {
		var err error
		if list, err = k.addOne(list, a, arn, r, subject.arn); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (k *call) addOne(list []authz.Access, a *access, arn string, r *ref, subject string) ([]authz.Access, error) {
	out := a.flags
	out.Action, out.Resource, out.Subject = a.action, arn, subject
	out.Unverified = out.Unverified || r != nil && r.all && a.resource != "" && !a.flags.Creates
	out.Unknown = slices.Clone(a.unknown)
	out.Context = make(map[string]authz.Value, 4+len(a.context))
	out.Context[requestedRegion] = authz.One(k.env.Region)
	if a.flags.Global {
		out.Context[requestedRegion] = authz.One(globalRegion(k.env.Partition))
	}
	switch {
	case arn == "*":
		out.Unknown = append(out.Unknown, resourceAccount)
	case !out.IsMCP():
		out.Context[resourceAccount] = authz.One(k.env.Account)
	}
	for key, value := range a.context {
		if !value.Multi {
			text, _ := template(value.Values[0]).render(k.env, nil)
			value = authz.One(text)
		}
		out.Context[key] = value
	}
	for i := range a.fillers {
		if err := a.fillers[i].fill(k, &out, r); err != nil {
			return nil, err
		}
	}
	for i := range list {
		if same(&list[i], &out) {
			list[i].Optional = list[i].Optional && out.Optional
			list[i].Unverified = list[i].Unverified && out.Unverified
			return list, nil
		}
	}
	return append(list, out), nil
}

func same(a, b *authz.Access) bool {
	return a.Action == b.Action && a.Resource == b.Resource && a.Subject == b.Subject && maps.EqualFunc(a.Context, b.Context, func(v, w authz.Value) bool {
		return v.Multi == w.Multi && slices.Equal(v.Values, w.Values)
	})
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
