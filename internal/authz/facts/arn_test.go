package facts

import (
	"strings"
	"testing"
)

// Whatever an ARN is: what is looked up is one resource with a name, and its
// kind can be read.
func FuzzParse(f *testing.F) {
	for _, k := range kinds {
		f.Add(k.missing)
	}
	for _, seed := range []string{"", "*", "arn:aws:cloudformation:us-east-1:123456789012:stack/web/*", "arn:aws:cloudformation:us-east-1:123456789012:stack//*",
		"arn:aws:cloudformation:*:*:stack/web/*", "arn:aws:ecs:::cluster/", "arn:aws:ecr:::repository/a/b/c", "arn:aws:ecs:us-east-1:1:service/a/*",
		"arn:aws:ecs:us-east-1:1:task-definition/web:*", "arn:aws:ecs:us-east-1:1:task-definition/:*", "arn:aws:logs:us-east-1:1:log-group:/ecs/a:*", "arn:aws:logs:us-east-1:1:log-group::*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arn string) {
		got := parse(arn)
		if got.kind == "" {
			if got != (target{}) {
				t.Fatalf("%q: %+v is neither", arn, got)
			}
			return
		}
		if lookups[got.kind].read == nil || got.arn != arn {
			t.Fatalf("%q: %+v cannot be read", arn, got)
		}
		if got.kind == logGroup || got.kind == taskDefinition {
			arn = strings.TrimSuffix(arn, ":*")
		}
		if got.kind == stack {
			arn = strings.TrimSuffix(arn, "/*") // a name has one stack at a time
		}
		if strings.ContainsAny(arn, "*?") || strings.HasSuffix(arn, "/") || strings.Contains(arn, "//") {
			t.Fatalf("%q: %+v is not one resource", arn, got)
		}
	})
}
