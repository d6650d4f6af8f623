package catalog

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

func TestTheManagedServerIsSignedForAndToldItsRegion(t *testing.T) {
	c, err := Builtin(Managed)
	if err != nil {
		t.Fatal(err)
	}
	if signed, ok := c.Signed(); !ok || signed != (Signed{Service: "ecs-mcp", Action: "ecs-mcp:UseMcp"}) {
		t.Errorf("signed %+v", signed)
	}
	accesses, err := c.Use(testEnv)
	if err != nil || len(accesses) != 1 || accesses[0].Action != "ecs-mcp:UseMcp" || accesses[0].Resource != "*" || !accesses[0].Unscopable || accesses[0].Optional {
		t.Errorf("%+v, %v", accesses, err)
	}
	if policy, err := grant.Compile([]grant.Item{{Access: accesses[0]}}, testEnv.Region, time.Now()); err != nil || strings.Contains(policy, "InvokeReadOnlyTools") {
		t.Errorf("%s, %v", policy, err)
	}
	if got := c.Meta(testEnv); !maps.Equal(got, map[string]string{"AWS_REGION": "us-east-1"}) {
		t.Errorf("meta %v", got)
	}
	if _, err := c.Use(Env{}); err == nil {
		t.Error("an environment of nowhere is taken")
	}
	local := awslabs(t)
	if accesses, err := local.Use(testEnv); len(accesses) > 0 || err != nil || local.Meta(testEnv) != nil {
		t.Errorf("the local server: %v, %v, %v", accesses, err, local.Meta(testEnv))
	}
	if _, signed := local.Signed(); signed {
		t.Error("requests to the local server are signed")
	}
}

// Every way of using a server that is signed for needs its action: nobody is
// shown a tool whose calls could not be sent.
func TestEveryToolNeedsWhatEveryRequestNeeds(t *testing.T) {
	c, err := Builtin(Managed)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range c.Tools() {
		for _, way := range c.Needs(tool) {
			if text := strings.Join(way, " "); !strings.Contains(text, "ecs-mcp:UseMcp") || !strings.Contains(text, "ecs-mcp:InvokeReadOnlyTools") {
				t.Errorf("%s needs %s", tool, text)
			}
		}
	}
}

func TestEveryMistakeAboutSignaturesIsNamed(t *testing.T) {
	signed := strings.Replace(other, "tools:\n", "signed: {service: example, action: 's3:UseMcp'}\nmeta: {REGION: '{region}'}\ntools:\n", 1)
	signed = strings.Replace(signed, "actions: {", "actions: {'s3:UseMcp': {}, 's3:Change': {write: true}, ", 1)
	if _, err := Read("other.yaml", []byte(signed)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ what, from, to, words string }{
		{"no service", "service: example, ", "", "signed.service must be the service's name in a signature"},
		{"a service in capitals", "service: example", "service: Example", "signed.service must be"},
		{"an action that nobody knows", "action: 's3:UseMcp'", "action: 's3:Nothing'", "signed is not an action that the proxy knows"},
		{"an action that writes", "action: 's3:UseMcp'", "action: 's3:Change'", "signed.action s3:Change writes; it is needed for reads too"},
		{"an action on a resource", "action: 's3:UseMcp'", "action: 'ecs:StopTask'", "must name a resource exactly if"},
		{"a word of the protocol's own", "REGION:", "progressToken:", `"progressToken" cannot be set`},
		{"something else than a place", "'{region}'", "'{cluster}'", `meta.REGION may hold {region}, {account} and {partition}, not "{cluster}"`},
	} {
		_, err := Read("other.yaml", []byte(strings.Replace(signed, tt.from, tt.to, 1)))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%s: got %v, want %q", tt.what, err, tt.words)
		}
	}
}
