package catalog

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var testEnv = Env{Partition: "aws", Account: "123456789012", Region: "us-east-1"}

const server = "awslabs.ecs-mcp-server"

func awslabs(t testing.TB) *Catalog {
	t.Helper()
	c, err := Builtin(server)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sample is a call of testdata/calls.yaml: a tool, or an ECS operation for
// short, and its arguments.
func sample(c *Catalog, name, args string) (tool string, raw json.RawMessage) {
	if slices.Contains(c.Tools(), name) {
		return name, json.RawMessage(args)
	}
	return "ecs_resource_management", json.RawMessage(fmt.Sprintf(`{"api_operation":%q,"api_params":%s}`, name, args))
}

func samples(t testing.TB) [][2]string { return samplesIn(t, "testdata/calls.yaml") }

func samplesIn(t testing.TB, file string) [][2]string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list [][2]string
	if err := yaml.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEveryOperationResolvesAsTheGoldenFileSays(t *testing.T) {
	everyOperation(t, awslabs(t), "calls.yaml", "resolutions.golden")
	managed, err := Builtin(Managed)
	if err != nil {
		t.Fatal(err)
	}
	everyOperation(t, managed, "calls.aws.ecs-mcp.yaml", "resolutions.aws.ecs-mcp.golden")
}

func everyOperation(t *testing.T, c *Catalog, calls, want string) {
	t.Helper()
	var b strings.Builder
	seen := map[string]bool{"ecs_resource_management ListExpressGatewayServices": true} // always refused
	for _, s := range samplesIn(t, "testdata/"+calls) {
		tool, raw := sample(c, s[0], s[1])
		r, err := c.Resolve(testEnv, tool, raw)
		if err != nil {
			t.Errorf("%s %s: %v", s[0], s[1], err)
			continue
		}
		seen[strings.TrimSpace(tool+" "+r.Operation)] = true
		fmt.Fprintf(&b, "%s %s\n", s[0], s[1])
		show(&b, r)
	}
	for _, tool := range c.Tools() {
		for _, op := range append(c.Operations(tool), "") {
			if name := strings.TrimSpace(tool + " " + op); !seen[name] && (op != "" || c.Operations(tool) == nil) {
				t.Errorf("testdata/%s has no call of %s", calls, name)
			}
		}
	}
	golden(t, "testdata/"+want, b.String())
}

// show writes a resolution for people: what is the same everywhere is left out.
func show(b *strings.Builder, r *Resolution) {
	flags := map[string]bool{"write": r.Write, "sensitive": r.Sensitive, "long-running": r.LongRunning, "escapes-scope": r.EscapesScope, "leaves-credentials": r.LeavesCredentials,
		"timeout " + r.Timeout.String(): r.Timeout != 0}
	fmt.Fprintf(b, "  %s [%s]\n", r.Operation, on(flags))
	for _, a := range r.Accesses {
		flags := map[string]bool{"optional": a.Optional, "unscopable": a.Unscopable, "taggable": a.Taggable, "global": a.Global,
			"creates": a.Creates, "unverified": a.Unverified}
		fmt.Fprintf(b, "    %s %s [%s]\n", a.Action, a.Resource, on(flags))
		if a.Subject != "" {
			fmt.Fprintf(b, "      about %s\n", a.Subject)
		}
		for _, key := range slices.Sorted(maps.Keys(a.Context)) {
			if key == requestedRegion && !a.Global || key == resourceAccount {
				continue
			}
			v, _ := json.Marshal(a.Context[key])
			fmt.Fprintf(b, "      %s = %s\n", key, v)
		}
		var unknown []string
		for _, key := range a.Unknown {
			if key != resourceAccount && !slices.Contains(commonUnknown(), key) {
				unknown = append(unknown, key)
			}
		}
		if len(unknown) > 0 {
			fmt.Fprintf(b, "      ? %s\n", strings.Join(unknown, " "))
		}
	}
}

func on(flags map[string]bool) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if flags[name] {
			list = append(list, name)
		}
	}
	return strings.Join(list, ", ")
}

func commonUnknown() []string {
	d, err := loadCommon()
	if err != nil {
		panic(err)
	}
	return d.Unknown
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run go test -update and read the difference.\ngot:\n%s", file, got)
	}
}
