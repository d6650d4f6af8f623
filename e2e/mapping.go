package e2e

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
)

// What the two sources do not say, and AWS's documentation does. Everything else
// follows from names: a resource of type task-set is what a parameter taskSet,
// taskSets, taskSetId or taskSetArn names, and what its ARN's parts are called is
// the type of what it is in.
var (
	// namedOtherwise: parameters that name a resource without its type's name.
	// Source: Amazon ECS API reference, of each operation.
	namedOtherwise = map[string]map[string]string{
		"ecs:CreateCapacityProvider": {"capacity-provider": "name"},
		"ecs:UpdateCapacityProvider": {"capacity-provider": "name"},
		"ecs:RegisterTaskDefinition": {"task-definition": "family"},
		"ecs:PutAttributes":          {"container-instance": "attributes.targetId"},
		"ecs:DeleteAttributes":       {"container-instance": "attributes.targetId"},
	}
	// anyTypeBy: the parameter whose ARN may be of any type of the action.
	anyTypeBy = map[string]string{"ecs:TagResource": "resourceArn", "ecs:UntagResource": "resourceArn", "ecs:ListTagsForResource": "resourceArn"}
	// absentIs: what AWS takes if a resource is not named.
	// Source: Amazon ECS API reference, "If you do not specify a cluster, the default cluster is assumed".
	absentIs = map[string]string{"ecs:cluster": "default"}
	// onEverything: actions that are authorised on "*" if what the data require is
	// not named. Source: AWS's own refusal of ecs:ListTasks, cdklabs/construct-hub#1207.
	onEverything = []string{"ecs:ListTasks"}
	// resourceEnds: what AWS adds to the ARN that it compares. Source: CloudWatch
	// Logs user guide, "Log group ARNs": with :* but for tagging; and AWS's refusals,
	// "… on resource: arn:aws:logs:…:log-group:NAME:log-stream:".
	resourceEnds = map[string]string{"logs:log-group": ":log-stream:"}
	// global services have their requests signed, and compared, for one region.
	// Source: IAM user guide, aws:RequestedRegion.
	global = map[string]string{"iam": "us-east-1"}
	// passedTo: the service that a role is passed to, by the parameter's name; all
	// others are Amazon ECS's own. Source: Amazon ECS developer guide, task
	// execution, task and infrastructure roles.
	passedTo = map[string]string{"executionRoleArn": "ecs-tasks.amazonaws.com", "taskRoleArn": "ecs-tasks.amazonaws.com"}
	// passes: operations for which AWS checks the roles inside the task definition
	// that they name. Source: Amazon ECS developer guide, "Amazon ECS task IAM role".
	passes = []string{"ecs:RunTask", "ecs:StartTask"}
	// creates: the type of resource whose tags an operation may set as it makes it,
	// which needs ecs:TagResource. Source: Amazon ECS developer guide, "Grant
	// permission to tag resources on creation".
	creates = map[string]string{"CreateCapacityProvider": "capacity-provider", "CreateCluster": "cluster", "CreateService": "service",
		"CreateTaskSet": "task-set", "RegisterContainerInstance": "container-instance", "RegisterTaskDefinition": "task-definition",
		"RunTask": "task", "StartTask": "task", "CreateExpressGatewayService": "service"}
	// keyFrom: condition keys whose value is a parameter of another name.
	// Source: Service Authorization Reference, Amazon ECS.
	keyFrom = map[string]string{"ecs:account-setting": "name", "ecs:container-name": "container", "ecs:namespace": "namespace"}
)

// unnamed stands for the id of what does not exist yet, or was named without it.
const unnamed = "0123456789abcdef"

// Replay is a recorded request as AWS authorises it: one access or more, and
// those that come with it although no request asks for them.
type Replay struct {
	Request   Request
	Asked     []iamtest.Request
	Attendant []iamtest.Request // of permissions only: iam:PassRole, ecs:TagResource
}

// Situation is what a mapping needs to know of the world besides the request.
type Situation struct {
	Partition, Account string
	// Tags by ARN, and roles by task definition (FAMILY:REVISION), as AWS answered.
	Tags  map[string]map[string]string
	Roles map[string]map[string]string
}

// Map works out what AWS authorises a request as.
func (a *Authorization) Map(r Request, s Situation) (Replay, error) {
	m := mapping{a: a, r: r, s: s}
	out := Replay{Request: r}
	var err error
	if m.members, err = a.members(r.Service, r.Operation); err != nil {
		return out, err
	}
	for name := range r.Parameters {
		top, _, _ := strings.Cut(name, ".") // a query request has flat names
		if known, err := a.takes(r.Service, r.Operation, top); err != nil || !known && top != "Action" && top != "Version" {
			return out, fmt.Errorf("%s: botocore's model has no parameter %s", r.Action(), name)
		}
	}
	if out.Asked, err = m.asked(); err != nil {
		return out, fmt.Errorf("%s: %w", r.Action(), err)
	}
	if out.Attendant, err = m.attendant(); err != nil {
		return out, fmt.Errorf("%s: %w", r.Action(), err)
	}
	return out, nil
}

type mapping struct {
	a       *Authorization
	r       Request
	s       Situation
	members map[string]bool
}

// asked are the accesses of the request's own action.
func (m mapping) asked() ([]iamtest.Request, error) {
	act, err := m.a.action(m.r.Service, m.r.Operation)
	if err != nil {
		return nil, err
	}
	var all []iamtest.Request
	if path, ok := anyTypeBy[m.r.Action()]; ok {
		for _, arn := range m.values(path) {
			t, _, err := m.a.typeOf(m.r.Service, arn)
			if err != nil {
				return nil, err
			}
			all = append(all, m.access(act, m.r.Service, m.r.Operation, arn, t))
		}
		return all, nil
	}
	for _, on := range act.ResourceTypes {
		t, err := m.a.resourceType(m.r.Service, on.Name)
		if err != nil {
			return nil, err
		}
		arns, err := m.named(t)
		if err != nil {
			return nil, err
		}
		if len(arns) == 0 && on.Required && !slices.Contains(onEverything, m.r.Action()) {
			return nil, fmt.Errorf("no parameter names its %s", on.Name)
		}
		for _, arn := range arns {
			all = append(all, m.access(act, m.r.Service, m.r.Operation, arn, t))
		}
	}
	if len(all) == 0 {
		all = append(all, m.access(act, m.r.Service, m.r.Operation, "*", resourceType{}))
	}
	return all, nil
}

// named are the ARNs of the resources of a type that the request names.
func (m mapping) named(t resourceType) ([]string, error) {
	var arns []string
	for _, value := range m.valuesOf(t.Key) {
		arn, err := m.arn(t, value)
		if err != nil {
			return nil, err
		}
		arns = append(arns, arn+resourceEnds[m.r.Service+":"+t.Key])
	}
	if len(arns) > 0 {
		return arns, nil
	}
	if m.makes(t.Key) {
		arn, err := m.arn(t, unnamed)
		return []string{arn}, err
	}
	// The parts of another resource's ARN may name it: a deployment its service.
	for name, text := range m.members {
		if !text {
			continue
		}
		for _, value := range m.values(name) {
			if _, parts, err := m.a.typeOf(m.r.Service, value); err == nil {
				if arn, ok := fill(t.ARN, m.common(parts)); ok {
					return []string{arn}, nil
				}
			}
		}
	}
	return nil, nil
}

// makes reports whether the operation makes a resource of the type.
func (m mapping) makes(kind string) bool {
	return creates[m.r.Operation] == kind && m.r.Service == "ecs"
}

// valuesOf are the values of the parameters that are called as a type is.
func (m mapping) valuesOf(kind string) []string {
	if path, ok := namedOtherwise[m.r.Action()][kind]; ok {
		return m.values(path)
	}
	var values []string
	for name, text := range m.members {
		if text && kindOf(name) == kind {
			values = append(values, m.values(name)...)
		}
	}
	if len(values) == 0 && absentIs[m.r.Service+":"+kind] != "" {
		values = []string{absentIs[m.r.Service+":"+kind]}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// kindOf is the type of resource that a parameter is called after: task-set of
// taskSet, taskSets, taskSetArn, and ClusterName of the parts of ARNs.
func kindOf(name string) string {
	name = strings.TrimSuffix(name, "s")
	for _, end := range []string{"Arn", "Name", "Id", "FamilyName", "NameWithPath"} {
		if cut := strings.TrimSuffix(name, end); cut != "" {
			name = cut
		}
	}
	var kebab strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			kebab.WriteByte('-')
		}
		kebab.WriteRune(unicode.ToLower(r))
	}
	return kebab.String()
}

// values are the texts at a path of the parameters, through lists.
func (m mapping) values(path string) (texts []string) {
	// A query request has one flat name for each: RepositoryNames.member.1.
	if v, ok := m.r.Parameters[path].(string); ok {
		return []string{v}
	}
	var walk func(v any, steps []string)
	walk = func(v any, steps []string) {
		switch v := v.(type) {
		case []any:
			for _, inner := range v {
				walk(inner, steps)
			}
		case map[string]any:
			if len(steps) > 0 {
				walk(v[steps[0]], steps[1:])
			}
		case string:
			if len(steps) == 0 && v != "" {
				texts = append(texts, v)
			}
		}
	}
	walk(m.r.Parameters, strings.Split(path, "."))
	return texts
}

// arn is the ARN of what is called value: itself, or the type's ARN with its own
// last part from value and the parts before from the request.
func (m mapping) arn(t resourceType, value string) (string, error) {
	if strings.HasPrefix(value, "arn:") {
		if _, ok := partsOf(t.ARN, value); !ok {
			return "", fmt.Errorf("%s is no %s", value, t.Key)
		}
		return value, nil
	}
	parts := m.common(nil)
	names := variable.FindAllStringSubmatch(t.ARN, -1)
	for i, name := range names {
		switch kind := kindOf(name[1]); {
		case parts[name[1]] != "":
		case name[1] == "TaskDefinitionFamilyName", name[1] == "TaskDefinitionRevisionNumber":
			family, revision, _ := strings.Cut(value, ":")
			parts["TaskDefinitionFamilyName"], parts["TaskDefinitionRevisionNumber"] = family, cmp.Or(revision, "1")
		case kind == t.Key || i == len(names)-1 && kind != "":
			parts[name[1]] = value
			if name[1] == "Id" { // a stack is named without it
				parts[name[1]] = unnamed
			}
		default:
			above := m.valuesOf(kind)
			if len(above) != 1 {
				return "", fmt.Errorf("the request names %d of %s, which its %s is in", len(above), kind, t.Key)
			}
			parts[name[1]] = above[0]
			if strings.HasPrefix(above[0], "arn:") {
				parts[name[1]] = above[0][strings.LastIndexByte(above[0], '/')+1:]
			}
		}
	}
	arn, ok := fill(t.ARN, parts)
	if !ok {
		return "", fmt.Errorf("the request does not tell the ARN of its %s", t.Key)
	}
	return arn, nil
}

func (m mapping) common(parts map[string]string) map[string]string {
	all := map[string]string{"Partition": m.s.Partition, "Region": m.r.Region, "Account": m.s.Account}
	for name, value := range parts {
		all[name] = value
	}
	return all
}

// variable is a part of an ARN in the authorization data.
var variable = regexp.MustCompile(`\$\{(\w+)\}`)

// fill puts parts into an ARN; false if one is missing.
func fill(format string, parts map[string]string) (string, bool) {
	whole := true
	arn := variable.ReplaceAllStringFunc(format, func(v string) string {
		value, ok := parts[v[2:len(v)-1]]
		whole = whole && ok
		return value
	})
	return arn, whole
}

// partsOf reads an ARN by its format. Only the last part may hold a slash.
func partsOf(format, arn string) (map[string]string, bool) {
	names := variable.FindAllStringSubmatch(format, -1)
	expr := regexp.QuoteMeta(format)
	for i, name := range names {
		part := `([^:/]+)`
		if i == len(names)-1 {
			part = `([^:]+)`
		}
		expr = strings.Replace(expr, regexp.QuoteMeta(name[0]), part, 1)
	}
	found := regexp.MustCompile(`\A` + expr + `\z`).FindStringSubmatch(arn)
	if found == nil {
		return nil, false
	}
	parts := map[string]string{}
	for i, name := range names {
		parts[name[1]] = found[i+1]
	}
	return parts, true
}
