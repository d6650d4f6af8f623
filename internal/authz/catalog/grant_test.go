package catalog

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// What a catalogue asks for has to fit into a session policy, whole, or a
// persona that may do everything could still not make the call.
func TestWhatIsAskedForFitsIntoASessionPolicy(t *testing.T) {
	env := Env{"aws-us-gov", "123456789012", "us-gov-west-1"}
	c := awslabs(t)
	longest := [][2]string{
		{"build_and_push_image_to_ecr", `{"app_name":"abcdefghijklmnopqrst","app_path":"/a"}`},
		{"delete_app", `{"service_arn":"arn:aws-us-gov:ecs:us-gov-west-1:123456789012:service/abcdefghijklmnopqrst/web","app_name":"abcdefghijklmnopqrst"}`},
	}
	managed, err := Builtin(Managed)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range samplesIn(t, "testdata/calls.aws.ecs-mcp.yaml") {
		fits(t, managed, env, s[0], s[1])
	}
	for _, s := range append(samples(t), longest...) {
		tool, raw := sample(c, s[0], s[1])
		r, err := c.Resolve(testEnv, tool, raw)
		if slices.Contains(longest, s) {
			r, err = c.Resolve(env, tool, raw)
		}
		if err != nil {
			t.Fatal(err)
		}
		var items []grant.Item
		for _, a := range r.Accesses {
			items = append(items, grant.Item{Access: a})
		}
		if _, err := grant.Compile(items, env.Region, time.Now()); err != nil && !errors.Is(err, grant.ErrNothingGrantable) {
			t.Errorf("%s %s: %v", s[0], json.RawMessage(s[1]), err)
		}
	}
}

// fits resolves a call and writes the session policy of it.
func fits(t *testing.T, c *Catalog, env Env, tool, args string) {
	t.Helper()
	r, err := c.Resolve(env, tool, json.RawMessage(strings.NewReplacer("arn:aws:", "arn:"+env.Partition+":", "us-east-1", env.Region).Replace(args)))
	if err != nil {
		t.Fatal(err)
	}
	var items []grant.Item
	for _, a := range r.Accesses {
		items = append(items, grant.Item{Access: a})
	}
	if _, err := grant.Compile(items, env.Region, time.Now()); err != nil {
		t.Errorf("%s %s: %v", tool, args, err)
	}
}
