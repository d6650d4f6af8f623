package policy

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// What policy is asked is the request as JSON, though no JSON is written.
func sameAsJSON(t rapid.TB, r authz.Request) {
	t.Helper()
	if r.Accesses == nil { // as Decide does
		r.Accesses = []authz.Access{}
	}
	r = r.WithSummary()
	want, err := valueOf(r)
	got, gotErr := inputOf(r)
	if (err != nil) != (gotErr != nil) {
		t.Fatalf("as JSON: %v, as input: %v", err, gotErr)
	}
	if err == nil && want.Compare(got) != 0 {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestInputIsTheRequestAsJSON(t *testing.T) {
	for name, r := range map[string]authz.Request{
		"a whole one":        whole(),
		"the zero one":       {},
		"no context":         {Accesses: []authz.Access{{Action: "ecs:ListClusters"}}},
		"an empty context":   {Accesses: []authz.Access{{Context: map[string]authz.Value{}}}},
		"arguments of null":  {Call: authz.Call{Arguments: json.RawMessage("null")}},
		"big numbers":        {Call: authz.Call{Arguments: json.RawMessage(`{"a": 12345678901234567890, "b": 1e3, "c": [{}, "\u00e9\ud83d\ude00"]}`)}},
		"no arguments":       {Call: authz.Call{Arguments: json.RawMessage("")}},
		"broken arguments":   {Call: authz.Call{Arguments: json.RawMessage("{")}},
		"two values":         {Call: authz.Call{Arguments: json.RawMessage("{} {}")}},
		"a value that lacks": {Accesses: []authz.Access{{Context: map[string]authz.Value{"a": {}}}}},
		"a value too many":   {Accesses: []authz.Access{{Context: map[string]authz.Value{"a": {Values: []string{"b", "c"}}}}}},
	} {
		t.Run(name, func(t *testing.T) { sameAsJSON(t, r) })
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SampledFrom([]string{"", "a", "aws:RequestedRegion", "é😀", "*", "\x00", "{\"a\":1}"})
		r := authz.Request{Persona: words.Draw(t, "persona"), Region: words.Draw(t, "region"),
			Principal: authz.Principal{ID: words.Draw(t, "id"), Tags: rapid.MapOf(words, words).Draw(t, "tags")},
			Call:      authz.Call{Tool: words.Draw(t, "tool"), Operation: words.Draw(t, "operation"), Write: rapid.Bool().Draw(t, "write")}}
		for range rapid.IntRange(0, 3).Draw(t, "accesses") {
			a := authz.Access{Action: words.Draw(t, "action"), Resource: words.Draw(t, "resource"), Subject: words.Draw(t, "subject"),
				Unknown: rapid.SliceOf(words).Draw(t, "unknown"), Optional: rapid.Bool().Draw(t, "optional"), Unscopable: rapid.Bool().Draw(t, "unscopable"),
				Taggable: rapid.Bool().Draw(t, "taggable"), Global: rapid.Bool().Draw(t, "global"), Creates: rapid.Bool().Draw(t, "creates"),
				Unverified: rapid.Bool().Draw(t, "unverified"), Context: map[string]authz.Value{}}
			for range rapid.IntRange(0, 2).Draw(t, "keys") {
				a.Context[words.Draw(t, "key")] = authz.Value{Multi: true, Values: rapid.SliceOf(words).Draw(t, "values")}
				a.Context[words.Draw(t, "key")] = authz.One(words.Draw(t, "value"))
			}
			r.Accesses = append(r.Accesses, a)
		}
		sameAsJSON(t, r)
	})
}
