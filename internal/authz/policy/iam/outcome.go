package iam

import "github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"

// outcome: an explicit deny in any layer wins; else every layer must allow.
func outcome(all []judged) authz.AccessResult {
	r := authz.AccessResult{Statements: []string{}, Unknown: []string{}, Needs: []string{}, Near: []authz.NearMiss{}}
	if first := firstWith(all, func(j *judged) []match { return j.denies }); first != nil {
		r.Verdict, r.Layer = authz.ExplicitDeny, first.layer.name
		for i := range all {
			r.Statements = appendIDs(r.Statements, all[i].denies)
		}
		return r
	}
	if first := firstWith(all, func(j *judged) []match { return j.mayDeny }); first != nil {
		r.Verdict, r.Layer = authz.ExplicitDeny, first.layer.name
		var unknown []string
		for i := range all {
			r.Statements = appendIDs(r.Statements, all[i].mayDeny)
			unknown = appendUnknown(unknown, all[i].mayDeny)
		}
		r.Unknown, r.Possible, r.Needs = sortedKeys(unknown), possible(all), needs(all)
		return r
	}
	for i := range all {
		if len(all[i].allows) > 0 {
			continue
		}
		r.Layer = all[i].layer.name
		r.Statements = appendIDs(r.Statements, all[i].mayAllow)
		r.Unknown, r.Possible, r.Needs = sortedKeys(appendUnknown(nil, all[i].mayAllow)), possible(all), needs(all)
		r.Near = appendNear(r.Near, all[i].nearAllows)
		return r
	}
	r.Verdict, r.Layer, r.Possible = authz.Allowed, all[0].layer.name, true
	for i := range all {
		r.Statements = appendIDs(r.Statements, all[i].allows)
		r.Near = appendNear(r.Near, all[i].nearDenies)
	}
	return r
}

func firstWith(all []judged, of func(*judged) []match) *judged {
	for i := range all {
		if len(of(&all[i])) > 0 {
			return &all[i]
		}
	}
	return nil
}

// possible: no layer allows nothing whatever the unknown keys are.
func possible(all []judged) bool {
	for i := range all {
		if len(all[i].allows)+len(all[i].mayAllow) == 0 {
			return false
		}
	}
	return true
}

// needs are the keys that could change the answer; none if nothing can.
func needs(all []judged) []string {
	if !possible(all) {
		return []string{}
	}
	var keys []string
	for i := range all {
		keys = appendUnknown(keys, all[i].mayDeny)
		if len(all[i].allows) == 0 {
			keys = appendUnknown(keys, all[i].mayAllow)
		}
	}
	return sortedKeys(keys)
}

func appendIDs(ids []string, matches []match) []string {
	for _, m := range matches {
		ids = append(ids, m.id)
	}
	return ids
}

func appendUnknown(keys []string, matches []match) []string {
	for _, m := range matches {
		keys = append(keys, m.unknown...)
	}
	return keys
}

func appendNear(near []authz.NearMiss, matches []match) []authz.NearMiss {
	for _, m := range matches {
		near = append(near, authz.NearMiss{Statement: m.id, Key: m.near.key, Operator: m.near.name})
	}
	return near
}
