package catalog

import (
	"encoding/json"
	"errors"
	"slices"
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
