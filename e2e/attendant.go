package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
)

// access is one action on one resource, with the condition keys that AWS fills.
func (m mapping) access(act action, service, operation, arn string, t resourceType) iamtest.Request {
	region := m.r.Region
	if of, ok := global[service]; ok {
		region = of
	}
	q := iamtest.Request{Action: service + ":" + operation, Resource: arn, Context: map[string]authz.Value{"aws:RequestedRegion": authz.One(region)}}
	for key, value := range m.s.Tags[arn] {
		q.Context["aws:ResourceTag/"+key] = authz.One(value)
	}
	parts, _ := partsOf(t.ARN, arn)
	for _, kind := range []string{"cluster", "service", "task"} { // ecs:cluster and the like
		if key := "ecs:" + kind; act.has(key) {
			if above := m.above(kind, parts); above != "" {
				q.Context[key] = authz.One(above)
			}
		}
	}
	for key, path := range keyFrom {
		if values := m.values(path); act.has(key) && len(values) == 1 {
			q.Context[key] = authz.One(values[0])
		}
	}
	if act.has("aws:TagKeys") {
		m.tags(q)
	}
	return q
}

// above is the ARN of the resource of a type that an accessed one is in, or that
// the request names; "" if there is none.
func (m mapping) above(kind string, parts map[string]string) string {
	t, err := m.a.resourceType("ecs", kind)
	if err != nil {
		return ""
	}
	if arn, ok := fill(t.ARN, m.common(parts)); ok {
		return arn
	}
	arns, err := m.named(t)
	if err != nil || len(arns) != 1 {
		return ""
	}
	return arns[0]
}

// tags adds what the request tags, or untags.
func (m mapping) tags(q iamtest.Request) {
	keys := slices.Concat(m.values("tags.key"), m.values("tagKeys"))
	for i, key := range m.values("tags.key") {
		if values := m.values("tags.value"); i < len(values) {
			q.Context["aws:RequestTag/"+key] = authz.One(values[i])
		}
	}
	if len(keys) > 0 {
		q.Context["aws:TagKeys"] = authz.Many(keys...)
	}
}

// attendant are the permissions that AWS checks with the request's own.
func (m mapping) attendant() ([]iamtest.Request, error) {
	if m.r.Service != "ecs" {
		return nil, nil
	}
	passed, err := m.passed()
	if err != nil {
		return nil, err
	}
	kind := creates[m.r.Operation]
	if kind == "" || len(m.values("tags.key")) == 0 {
		return passed, nil
	}
	t, err := m.a.resourceType("ecs", kind)
	if err != nil {
		return nil, err
	}
	arns, err := m.named(t)
	if err != nil {
		return nil, err
	}
	tag, err := m.a.action("ecs", "TagResource")
	if err != nil {
		return nil, err
	}
	for _, arn := range arns {
		q := m.access(tag, "ecs", "TagResource", arn, t)
		q.Context["ecs:CreateAction"] = authz.One(m.r.Operation)
		passed = append(passed, q)
	}
	return passed, nil
}

// passed are the roles that the request passes to a service, by its parameters
// and by the task definition that it names.
func (m mapping) passed() ([]iamtest.Request, error) {
	paths, err := m.a.roles("ecs", m.r.Operation)
	if err != nil {
		return nil, err
	}
	services := map[string]string{} // by role
	for _, path := range paths {
		for _, role := range m.values(strings.Join(path, ".")) {
			services[role] = serviceOf(path[len(path)-1])
		}
	}
	if slices.Contains(passes, m.r.Action()) {
		for _, definition := range m.values("taskDefinition") {
			roles, ok := m.s.Roles[definition[strings.LastIndexByte(definition, '/')+1:]]
			if !ok {
				return nil, fmt.Errorf("the roles of task definition %s were not seen", definition)
			}
			for parameter, role := range roles {
				services[role] = serviceOf(parameter)
			}
		}
	}
	act, err := m.a.action("iam", "PassRole")
	if err != nil {
		return nil, err
	}
	t, err := m.a.resourceType("iam", "role")
	if err != nil {
		return nil, err
	}
	var all []iamtest.Request
	for _, role := range slices.Sorted(maps.Keys(services)) {
		arn := role
		if !strings.HasPrefix(role, "arn:") {
			arn = fmt.Sprintf("arn:%s:iam::%s:role/%s", m.s.Partition, m.s.Account, role)
		}
		q := m.access(act, "iam", "PassRole", arn, t)
		q.Context["iam:PassedToService"] = authz.One(services[role])
		all = append(all, q)
	}
	return all, nil
}

func serviceOf(parameter string) string {
	if service, ok := passedTo[parameter]; ok {
		return service
	}
	return "ecs.amazonaws.com"
}

// Observe learns tags and roles from the answers to JSON requests.
func (s *Situation) Observe(r Request) {
	if r.Status != 200 || len(r.Answer) == 0 || r.Answer[0] != '{' {
		return
	}
	observe(s, "", decoded(r.Answer))
}

func decoded(b []byte) (v any) {
	if json.Unmarshal(b, &v) != nil {
		return nil
	}
	return v
}

// observe walks an answer. What is in a list "services" has its ARN as serviceArn;
// the tags of a task definition stand beside it.
func observe(s *Situation, in string, v any) {
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			observe(s, strings.TrimSuffix(in, "s"), inner)
		}
	case map[string]any:
		about := v
		if definition, ok := v["taskDefinition"].(map[string]any); ok {
			about, in = definition, "taskDefinition"
		}
		arn, _ := about[in+"Arn"].(string)
		if tags, ok := v["tags"].([]any); ok && arn != "" {
			s.Tags[arn] = map[string]string{}
			for _, t := range tags {
				if tag, ok := t.(map[string]any); ok {
					s.Tags[arn][fmt.Sprint(tag["key"])] = fmt.Sprint(tag["value"])
				}
			}
		}
		if in == "taskDefinition" && arn != "" {
			roles := map[string]string{}
			for parameter := range passedTo {
				if role, ok := about[parameter].(string); ok && role != "" {
					roles[parameter] = role
				}
			}
			s.Roles[arn[strings.LastIndexByte(arn, '/')+1:]] = roles
		}
		for name, inner := range v {
			observe(s, name, inner)
		}
	}
}
