package catalog

import (
	"maps"
	"slices"
	"strings"
)

// bind reads the resources that the arguments name, in the catalogue's order:
// the cluster first, then what is in it.
func (k *call) bind(resources []*resource) error {
	for _, r := range resources {
		refs, err := k.refsOf(r)
		if err != nil {
			return err
		}
		k.refs[r.name] = refs
	}
	return nil
}

// maxNamed is how many resources one argument may name, where AWS says no less:
// a session policy could not hold more.
const maxNamed = 100

func (k *call) refsOf(r *resource) ([]*ref, error) {
	var given []found
	for _, path := range r.from {
		given = append(given, k.args.find(path, k.at)...)
	}
	if r.eachOf != nil {
		if n := len(k.args.find(r.eachOf, k.at)); n != len(given) {
			return nil, refuse(join(k.at, r.eachOf[0]), "must name a target in every element")
		}
	}
	if len(given) == 0 {
		return k.left(r)
	}
	if len(given) > maxNamed {
		return nil, refuse(given[maxNamed].path, "is one of %d; a call may name at most %d", len(given), maxNamed)
	}
	if r.max > 0 && len(given) > r.max {
		return nil, refuse(given[len(given)-1].path, "is one of %d; AWS takes at most %d in a call", len(given), r.max)
	}
	var refs []*ref
	for _, g := range given {
		one, err := k.refOf(r, g)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(refs, func(other *ref) bool { return other.arn == one.arn }) {
			refs = append(refs, one)
		}
	}
	if len(given) == 1 && !given[0].inList {
		k.merge(refs[0])
	}
	if r.wideOver > 0 && len(refs) > r.wideOver {
		return widen(k.env, refs), nil
	}
	return refs, nil
}

// left says what a resource that was left out stands for.
func (k *call) left(r *resource) ([]*ref, error) {
	switch {
	case r.all:
		return []*ref{r.kinds[0].all(k.env, k.parts)}, nil
	case r.def != "":
		one, err := resolve(k.env, r.kinds, onlyName, r.def, r.name, k.parts)
		if err != nil {
			return nil, err
		}
		k.merge(one)
		return []*ref{one}, nil
	}
	for _, path := range r.from {
		if k.emptyList(path) {
			return nil, refuse(join(k.at, path[0]), "must name at least one")
		}
	}
	return nil, nil
}

func (k *call) emptyList(path []string) bool {
	v := k.args
	for _, name := range path {
		v = v.get(name)
	}
	return v != nil && v.kind == '[' && len(v.members) == 0
}

func (k *call) refOf(r *resource, g found) (*ref, error) {
	if r.pattern == nil {
		only := r.only
		if r.prefix+r.suffix != "" {
			only = onlyName
		}
		if g.text == "" {
			return nil, refuse(g.path, "must not be empty")
		}
		return resolve(k.env, r.kinds, only, r.prefix+g.text+r.suffix, g.path, k.parts)
	}
	m := r.pattern.FindStringSubmatch(g.text)
	if m == nil {
		return nil, refuse(g.path, "must be %s", r.expects)
	}
	parts := map[string]string{}
	own := map[string]string{"partition": k.env.Partition, "account": k.env.Account, "region": k.env.Region}
	for i, name := range r.pattern.SubexpNames() {
		if want, ok := own[name]; ok {
			if m[i] != want {
				return nil, refuse(g.path, "names %s %s, but this call is bound to %s %s", name, quote(m[i]), name, quote(want))
			}
		} else if name != "" {
			parts[name] = m[i]
		}
	}
	return r.kinds[0].complete(k.env, parts, g.path, k.parts)
}

// merge makes a single resource's parts known to what follows.
func (k *call) merge(r *ref) {
	for name, value := range r.parts {
		if _, known := k.parts[name]; !known && value != "*" {
			k.parts[name] = value
		}
	}
}

// widen replaces many resources by all of their kind in the same parents, since
// a session policy has room for few; it leaves them if their parents differ.
func widen(env Env, refs []*ref) []*ref {
	wide := refs[0].kind.all(env, refs[0].parts)
	wide.all = false // each of them is checked, and matches
	for _, r := range refs[1:] {
		if r.kind.all(env, r.parts).arn != wide.arn {
			return refs
		}
	}
	return []*ref{wide}
}

// partOf renders the ARN of the kind that a resource is part of, such as the
// cluster of a service. It is false if the call does not tell.
func (k *call) partOf(parent *kind, r *ref) (string, bool) {
	parts := k.parts
	if r != nil {
		parts = maps.Clone(k.parts)
		maps.Copy(parts, r.parts)
	}
	arn, missing := parent.arn.render(k.env, parts)
	return arn, len(missing) == 0 && !strings.Contains(arn, "*")
}
