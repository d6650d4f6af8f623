package grant

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// MaxPolicy is how many characters an inline session policy may have.
// Source: STS API reference, AssumeRole, parameter Policy.
const MaxPolicy = 2048

// ErrPolicySize is the class of a session policy that AWS would not take.
var ErrPolicySize = errors.New("session policy too large")

// ErrNothingGrantable is the class of an order without one AWS access.
var ErrNothingGrantable = errors.New("nothing to grant")

// Pin makes AWS check again, at use, a fact that the decision read.
type Pin struct {
	Key    string // "aws:ResourceTag/Environment"
	Value  string // the value that was seen
	Absent bool   // the key was seen to be absent; Value is empty
}

// Item is one decided access with the facts to pin on it.
type Item struct {
	Access authz.Access
	Pins   []Pin
}

// narrowing lists the context keys that bound an access further than its ARN
// does, with the operator that compares them. A key is written only where the
// catalogue says that the action carries it: elsewhere it could never match.
var narrowing = map[string]string{
	"ecs:cluster":         "ArnEquals",
	"ecs:namespace":       "StringEquals",
	"ecs:account-setting": "StringEquals",
	"ecs:container-name":  "StringEquals",
	// Without it, tagging at creation would be lent as tagging whatever is there.
	"ecs:CreateAction":    "StringEquals",
	"iam:PassedToService": "StringEquals",
	// What a service asks on the caller's behalf, the caller must not ask itself.
	"aws:CalledVia": "ForAnyValue:StringEquals",
}

type statement struct {
	Effect    string
	Action    any
	Resource  any
	Condition condition `json:",omitempty"`
}

// condition is operator, then key, then value or values.
type condition map[string]map[string]any

func (c condition) add(operator, key string, value any) {
	if c[operator] == nil {
		c[operator] = map[string]any{}
	}
	c[operator][key] = value
}

// Compile writes the session policy of items: exactly their actions on exactly
// their resources, in region, until the given time, less what denies take away.
// Pseudo-accesses of mcp are left out. The result is minified and sorted, so
// equal orders give equal bytes.
//
// It returns ErrNothingGrantable if no item is an AWS access, ErrSessionDeny if
// a deny cannot be repeated as it was meant, and ErrPolicySize, with the number
// of accesses that would fit, over MaxPolicy.
func Compile(items []Item, region string, until time.Time, denies ...authz.SessionDeny) (string, error) {
	items = slices.DeleteFunc(slices.Clone(items), func(i Item) bool { return i.Access.IsMCP() })
	if len(items) == 0 {
		return "", ErrNothingGrantable
	}
	if region == "" || until.IsZero() {
		return "", errors.New("compile session policy: region and end time are required")
	}
	policy, err := compile(items, region, until, denies)
	if err != nil {
		return "", err
	}
	if len(policy) <= MaxPolicy {
		return policy, nil
	}
	fit := 0
	for low, high := 1, len(items); low <= high; {
		middle := (low + high) / 2
		if p, err := compile(items[:middle], region, until, denies); err == nil && len(p) <= MaxPolicy {
			fit, low = middle, middle+1
		} else {
			high = middle - 1
		}
	}
	if fit == 0 {
		return "", fmt.Errorf("%w: %d accesses need %d characters and AWS takes %d; not one would fit", ErrPolicySize, len(items), len(policy), MaxPolicy)
	}
	return "", fmt.Errorf("%w: %d accesses need %d characters and AWS takes %d; the first %d fit, so ask for fewer resources in one call",
		ErrPolicySize, len(items), len(policy), MaxPolicy, fit)
}

func compile(items []Item, region string, until time.Time, denies []authz.SessionDeny) (string, error) {
	// By condition, then action: actions share a statement only if their
	// resources are equal, because a statement allows every combination.
	type group struct {
		condition condition
		resources map[string][]string // by action
	}
	groups := map[string]group{} // by condition as written
	for _, item := range items {
		a := item.Access
		if err := checkAccess(a); err != nil {
			return "", err
		}
		c := conditionOf(item, region)
		written, err := json.Marshal(c)
		if err != nil {
			return "", fmt.Errorf("compile session policy: %w", err)
		}
		g, ok := groups[string(written)]
		if !ok {
			g = group{c, map[string][]string{}}
			groups[string(written)] = g
		}
		g.resources[a.Action] = append(g.resources[a.Action], a.Resource)
	}
	var statements []statement
	for _, written := range slices.Sorted(maps.Keys(groups)) {
		g := groups[written]
		byResources := map[string][]string{}
		for action, resources := range g.resources {
			slices.Sort(resources)
			key := strings.Join(slices.Compact(resources), "\n")
			byResources[key] = append(byResources[key], action)
		}
		for _, key := range slices.Sorted(maps.Keys(byResources)) {
			actions := byResources[key]
			slices.Sort(actions)
			statements = append(statements, statement{"Allow", oneOrMany(actions), oneOrMany(strings.Split(key, "\n")), g.condition})
		}
	}
	denied, err := denyStatements(items, denies)
	if err != nil {
		return "", err
	}
	statements = append(statements, denied...)
	timeout := condition{}
	timeout.add("DateGreaterThan", "aws:CurrentTime", until.UTC().Format("2006-01-02T15:04:05Z"))
	statements = append(statements, statement{"Deny", "*", "*", timeout})
	b, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", statements})
	if err != nil {
		return "", fmt.Errorf("compile session policy: %w", err)
	}
	return string(b), nil
}

// checkAccess refuses what would widen the policy or be read as a variable.
// "?" and "*" may stand in a resource only as the catalogue wrote them.
func checkAccess(a authz.Access) error {
	service, name, ok := strings.Cut(a.Action, ":")
	if !ok || service == "" || name == "" || strings.ContainsAny(a.Action, "*?$") {
		return fmt.Errorf("compile session policy: %q is not one action", a.Action)
	}
	if a.Resource == "" || strings.ContainsAny(a.Resource, "$\n\"\\") {
		return fmt.Errorf("compile session policy: resource of %s is empty or not an ARN", a.Action)
	}
	if a.Resource == "*" && !a.Unscopable {
		return fmt.Errorf("compile session policy: %s can be limited to a resource and was not", a.Action)
	}
	if a.Action == "iam:PassRole" && len(a.Context["iam:PassedToService"].Values) == 0 {
		return errors.New("compile session policy: iam:PassRole without iam:PassedToService")
	}
	return nil
}

func conditionOf(item Item, region string) condition {
	a, c := item.Access, condition{}
	if !a.Global {
		c.add("StringEquals", "aws:RequestedRegion", region)
	}
	for key, operator := range narrowing {
		value, ok := a.Context[key]
		if !ok || len(value.Values) == 0 || namesCluster(a.Resource, key, value) {
			continue
		}
		c.add(operator, key, oneOrMany(value.Values))
	}
	narrowTags(c, a)
	if !a.Taggable || a.Creates {
		return c
	}
	for _, p := range item.Pins {
		if authz.IsOwnKey(p.Key) {
			continue // AWS would find it absent
		}
		if p.Absent {
			c.add("Null", p.Key, "true")
		} else {
			c.add("StringEquals", p.Key, literal(p.Value))
		}
	}
	return c
}

// narrowTags bounds a request that sets tags to the tags that were decided.
func narrowTags(c condition, a authz.Access) {
	for key, value := range a.Context {
		if strings.HasPrefix(key, "aws:RequestTag/") && len(value.Values) == 1 {
			c.add("StringEquals", key, literal(value.Values[0]))
		}
	}
	if keys := a.Context["aws:TagKeys"]; len(keys.Values) > 0 {
		sorted := slices.Sorted(slices.Values(keys.Values))
		for i := range sorted {
			sorted[i] = literal(sorted[i])
		}
		c.add("ForAllValues:StringEquals", "aws:TagKeys", oneOrMany(sorted))
	}
}

// namesCluster reports whether the ARN already names the cluster, as
// service/CLUSTER/NAME does and task-definition/FAMILY:1 does not.
func namesCluster(resource, key string, value authz.Value) bool {
	if key != "ecs:cluster" {
		return false
	}
	cluster := value.Values[0][strings.LastIndexByte(value.Values[0], '/')+1:]
	return strings.Contains(resource, "/"+cluster+"/") || strings.HasSuffix(resource, ":cluster/"+cluster)
}

// literal keeps a value from being read as a policy variable.
// Source: IAM user guide, "IAM policy elements: Variables and tags".
func literal(s string) string { return strings.ReplaceAll(s, "${", "${$}{") }

func oneOrMany(s []string) any {
	if len(s) == 1 {
		return s[0]
	}
	return s
}
