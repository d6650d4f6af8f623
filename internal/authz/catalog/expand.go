package catalog

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

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
	// A look-up makes one, two or none of them; the others keep their places.
	slices.SortStableFunc(list, func(a, b authz.Access) int { return cmp.Compare(roles(a), roles(b)) })
	return list, nil
}

func roles(a authz.Access) int {
	if a.IsUnknown(authz.TaskRole) || a.IsUnknown(authz.ExecutionRole) {
		return 1
	}
	return 0
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
	case a.rolesOf != "":
		return k.passing(list, a)
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

// passing appends the access on the roles of each task definition, as far as the
// arguments do not replace them.
func (k *call) passing(list []authz.Access, a *access) ([]authz.Access, error) {
	var unsettled []string
	if a.taskRole == nil || !k.given(a.taskRole) {
		unsettled = append(unsettled, authz.TaskRole)
	}
	if a.executionRole == nil || !k.given(a.executionRole) {
		unsettled = append(unsettled, authz.ExecutionRole)
	}
	if len(unsettled) == 0 {
		return list, nil
	}
	every := a.kind.all(k.env, k.parts)
	for _, definition := range k.refs[a.rolesOf] {
		var err error
		if list, err = k.addOne(list, a, every.arn, every, definition.arn, unsettled...); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// add appends the access on one resource, once for each of its subjects.
func (k *call) add(list []authz.Access, a *access, arn string, r *ref) ([]authz.Access, error) {
	if a.latest && r != nil && r.parts["revision"] == "*" {
		return k.addOne(list, a, arn, r, "", authz.LatestRevision)
	}
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

// addOne appends one access; unsettled are the unknown keys that tell its resource.
func (k *call) addOne(list []authz.Access, a *access, arn string, r *ref, subject string, unsettled ...string) ([]authz.Access, error) {
	out := a.flags
	out.Action, out.Resource, out.Subject = a.action, arn, subject
	out.Unverified = out.Unverified || r != nil && r.all && a.resource != "" && !a.flags.Creates
	out.Unknown = slices.Concat(a.unknown, unsettled)
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
