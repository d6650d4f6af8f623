package policy

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/open-policy-agent/opa/v1/ast"
	"pgregory.net/rapid"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// askedAbout are the guardrails asked for a rule about a request of these
// actions, in one region, of one module called own.
func askedAbout(t *testing.T, rego, rule string, write bool, region string, actions ...string) []string {
	t.Helper()
	module, err := ast.ParseModuleWithOpts("own.rego", "package ecsmcp.guardrails.own\n"+rego, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		t.Fatal(err)
	}
	r := railsOf(map[string]*ast.Module{"own.rego": module}).without(nil, nil)
	request := authz.Request{Region: "here", Call: authz.Call{Write: write}}
	for _, action := range actions {
		request.Accesses = append(request.Accesses, authz.Access{Action: action, Context: in(region)})
	}
	found := r.of(request.WithSummary())
	if found == nil {
		return nil
	}
	return found.names[slices.Index(railRules, rule)]
}

func TestGuardrailIsAskedUnlessItCanSayNothing(t *testing.T) {
	const reads, writes, leaves = "reads", "writes", "leaves"
	for name, tt := range map[string]struct {
		rego, request string
		asked         bool
	}{
		"no condition":                      {`deny contains "no" if input.region == "x"`, reads, true},
		"no body":                           {`deny contains "no"`, reads, true},
		"writing, of a write":               {`deny contains "no" if input.call.write == true`, writes, true},
		"writing, of a read":                {`deny contains "no" if input.call.write == true`, reads, false},
		"writing, the other way round":      {`deny contains "no" if true == input.call.write`, reads, false},
		"writing, as the last condition":    {"deny contains \"no\" if {\n\tinput.region == \"x\"\n\tinput.call.write = true\n}", reads, false},
		"writing, among rules":              {"deny contains \"no\" if input.call.write == true\n\ndeny contains \"yes\" if input.region == \"x\"", reads, true},
		"reading":                           {`deny contains "no" if input.call.write == false`, reads, true},
		"not writing":                       {`deny contains "no" if not input.call.write == true`, reads, true},
		"writing, of another input":         {`deny contains "no" if input.call.write == true with input as {"call": {"write": true}}`, reads, true},
		"an action that it has":             {`deny contains "no" if input.actions["ecs:x"] == true`, writes, true},
		"an action that it has not":         {`deny contains "no" if input.actions["ecs:x"] == true`, reads, false},
		"an action that it names":           {`deny contains "no" if input.actions["ecs:x"]`, reads, true},
		"one of many that it has":           {`deny contains "no" if { some a in {"ecs:x", "ecs:y"}; input.actions[a] == true }`, writes, true},
		"none of many":                      {`deny contains "no" if { some a in {"ecs:x", "ecs:y"}; input.actions[a] == true }`, reads, false},
		"none of a list":                    {`deny contains "no" if { some a in ["ecs:x", "ecs:y"]; input.actions[a] == true }`, reads, false},
		"one of what a rule says":           {"deny contains \"no\" if { some a in mine; input.actions[a] == true }\nmine := {\"ecs:x\"}", reads, true},
		"one of what is partly computed":    {`deny contains "no" if { some a in {"ecs:x", input.region}; input.actions[a] == true }`, reads, true},
		"a key of an object":                {`deny contains "no" if { some a, _ in {"ecs:x": 1}; input.actions[a] == true }`, reads, true},
		"an action and writing, of a read":  {`deny contains "no" if { input.call.write == true; input.actions["ecs:a"] == true }`, reads, false},
		"a default":                         {"default deny := set()\ndeny := {\"no\"} if input.call.write == true", reads, true},
		"an else":                           {"deny := {\"no\"} if { input.call.write == true } else := {\"yes\"}", reads, true},
		"leaving the region":                {`deny contains "no" if input.regions != {input.region: true}`, leaves, true},
		"leaving the region, of who stays":  {`deny contains "no" if input.regions != {input.region: true}`, reads, false},
		"leaving, as the last condition":    {`deny contains "no" if { input.account == "x"; input.regions != {input.region: true} }`, reads, false},
		"leaving, the other way round":      {`deny contains "no" if {input.region: true} != input.regions`, reads, true},
		"not leaving":                       {`deny contains "no" if not input.regions != {input.region: true}`, reads, true},
		"leaving, of another input":         {`deny contains "no" if input.regions != {input.region: true} with input.region as "x"`, reads, true},
		"leaving another region":            {`deny contains "no" if input.regions != {input.account: true}`, reads, true},
		"how an action begins":              {`deny contains "no" if { some a, _ in input.actions; startswith(a, "ecs:x") }`, writes, true},
		"how no action begins":              {`deny contains "no" if { some a, _ in input.actions; startswith(a, "ecs:x") }`, reads, false},
		"how no action begins, and a star":  {`deny contains "no" if { some a, _ in input.actions; startswith(a, "ecs*") }`, reads, false},
		"how no action begins, and writing": {`deny contains "no" if { input.call.write == true; some a, _ in input.actions; startswith(a, "iam:") }`, writes, false},
		"how the value begins":              {`deny contains "no" if { some _, a in input.actions; startswith(a, "ecs:x") }`, reads, true},
		"how the action does not begin":     {`deny contains "no" if { some a, _ in input.actions; not startswith(a, "ecs:x") }`, reads, true},
		"how what is no action begins":      {`deny contains "no" if { some a, _ in input.regions; startswith(a, "ecs:x") }`, reads, true},
		"how one of many begins":            {`deny contains "no" if { some a, _ in input.actions; some p in {"ecs:x"}; startswith(a, p) }`, reads, true},
		"what begins like an action":        {`deny contains "no" if { some a, _ in input.actions; startswith("ecs:x", a) }`, reads, true},
		"how an action begins elsewhere":    {`deny contains "no" if { some a, _ in input.actions; startswith(a, "ecs:x") with input as {} }`, reads, true},
	} {
		t.Run(name, func(t *testing.T) {
			actions, region := []string{"ecs:a"}, "here"
			switch tt.request {
			case writes:
				actions = append(actions, "ecs:X")
			case leaves:
				region = "there"
			}
			if asked := askedAbout(t, tt.rego, "deny", tt.request == writes, region, actions...); slices.Equal(asked, []string{"own"}) != tt.asked {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

func TestEachRuleIsAskedApart(t *testing.T) {
	rego := "obligation contains {} if input.call.write == true\n\ncontext := {}"
	for rule, want := range map[string]int{"deny": 0, "obligation": 0, "session_deny": 0, "context": 1} {
		if asked := askedAbout(t, rego, rule, false, "here", "ecs:a"); len(asked) != want {
			t.Errorf("%s: asked %q", rule, asked)
		}
	}
}

// More actions than there are bits: those that have none are asked about in any case.
func TestManyActionsAreToldApartOrAsked(t *testing.T) {
	var text strings.Builder
	for i := range 100 {
		text.WriteString("deny contains \"no\" if input.actions[\"ecs:x" + strings.Repeat("x", i) + "\"] == true\n\n")
	}
	if asked := askedAbout(t, text.String(), "deny", false, "here", "ecs:other"); len(asked) != 1 {
		t.Error("a guardrail is left out whose conditions cannot be told")
	}
}

// What the native function leaves out is what Rego finds nothing in: on every
// sample of the documents and every shipped call, both engines decide alike.
func TestNativeDecidesAsRegoDoes(t *testing.T) {
	modules, err := loadModules()
	if err != nil {
		t.Fatal(err)
	}
	known, err := guardrailsOf(modules)
	if err != nil {
		t.Fatal(err)
	}
	on := Guardrails{}
	for name := range maps.Keys(known) {
		on[name] = "on"
	}
	strict := maps.Clone(on)
	strict["production"] = map[string]any{"untagged": "deny", "minimum": 2, "more": []any{"ecs:Update*"}}
	personas := map[string]Persona{
		"everybody": {Identity: []Document{read(t, "all", allowAll)}, MCP: []Document{shipped(t, "default")}, Guardrails: on},
		"strict":    {Identity: []Document{read(t, "all", allowAll)}, MCP: []Document{shipped(t, "default")}, Guardrails: strict},
		"usual":     {Identity: []Document{shipped(t, "deployment")}, Boundary: []Document{shipped(t, "region-and-production")}, MCP: []Document{shipped(t, "default")}},
	}
	twin, err := New(t.Context(), personas)
	if err != nil {
		t.Fatal(err)
	}
	law, err := NewInRego(t.Context(), personas)
	if err != nil {
		t.Fatal(err)
	}
	compared, denied := 0, 0
	for _, call := range everyCall(t) {
		for _, persona := range slices.Sorted(maps.Keys(personas)) {
			for _, tag := range []string{"", "production", "staging"} {
				r := call
				if r.Persona = persona; tag != "" {
					r = withTag(r, tag)
				}
				got, err := twin.Decide(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				want, err := law.Decide(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				if compared++; len(want.Denies) > 0 {
					denied++
				}
				if a, b := asText(t, got), asText(t, want); a != b {
					t.Fatalf("%s %s for %s:\nnative %s\nRego   %s", r.Call.Tool, r.Call.Operation, persona, a, b)
				}
			}
		}
	}
	if t.Logf("%d decisions, %d denied by guardrails", compared, denied); compared < 500 || denied < 100 {
		t.Error("too few to say anything")
	}
	answered, entered := twin.native.answered.Load(), twin.native.entered.Load()
	if answered != int64(compared) || law.native != nil {
		t.Errorf("%d of %d were decided natively", answered, compared)
	}
	if entered == 0 || entered > int64(compared)*9/10 {
		t.Errorf("guardrails were asked about %d of %d", entered, compared)
	}
}

func asText(t rapid.TB, d authz.Decision) string {
	t.Helper()
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// everyCall is a call of each tool and operation, as the catalogue's tests have them.
func everyCall(t *testing.T) (all []authz.Request) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "catalog", "testdata", "calls.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var calls [][2]string
	if err := yaml.Unmarshal(b, &calls); err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		if unicode.IsUpper(rune(c[0][0])) {
			all = append(all, operated(t, "", c[0], c[1]))
		} else {
			all = append(all, called(t, "", c[0], c[1]))
		}
	}
	return all
}

// Both engines list the same actions for every persona, shipped or drawn.
func TestNativeListsAsRegoDoes(t *testing.T) {
	personas := builtinPersonas(t)
	personas["stranger to AWS"] = Persona{MCP: []Document{shipped(t, "default")}}
	for name, statements := range map[string]string{
		"withdrawn":               `{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}, {"Effect": "Deny", "Action": ["ecs:Delete*"], "Resource": ["arn:aws:ecs:*:*:cluster/a", "*"]}`,
		"withdrawn in part":       `{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}, {"Effect": "Deny", "Action": "ecs:*", "Resource": "arn:aws:ecs:*:*:cluster/*"}`,
		"withdrawn sometimes":     `{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}, {"Effect": "Deny", "Action": "ecs:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}`,
		"withdrawn but for one":   `{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, {"Effect": "Deny", "Action": "ecs:*", "NotResource": "arn:aws:ecs:*:*:cluster/a"}`,
		"all but what is allowed": `{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "NotAction": ["ecs:List*", "ecr:*"], "Resource": "*"}`,
	} {
		personas[name] = Persona{Identity: []Document{read(t, "d", doc(statements))}}
	}
	twin, err := New(t.Context(), personas)
	if err != nil {
		t.Fatal(err)
	}
	law, err := NewInRego(t.Context(), personas)
	if err != nil {
		t.Fatal(err)
	}
	actions := []string{"mcp:CallTool", "mcp:Other", "no action", "a:b:c", "ECS:deleteservice"}
	for _, r := range everyCall(t) {
		for _, a := range r.Accesses {
			actions = append(actions, a.Action)
		}
	}
	listed := 0
	for _, persona := range append(slices.Sorted(maps.Keys(personas)), "nobody", "") {
		got, err := twin.Visible(t.Context(), persona, actions)
		if err != nil {
			t.Fatal(err)
		}
		want, err := law.Visible(t.Context(), persona, actions)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: native %q\nRego   %q, %v", persona, got, want, err)
		}
		listed += len(want)
	}
	if listed < 200 {
		t.Errorf("only %d actions were listed", listed)
	}
}
