package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// The engine, whichever way it evaluates, keeps what the samples promise.
func TestSamples(t *testing.T) {
	samples, err := Samples()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	personas := map[string]Persona{}
	for _, s := range samples {
		personas[personaOf(s)] = s.Persona
		seen[s.Document] = true
	}
	if len(seen) != len(BuiltinNames()) {
		t.Errorf("%d of %d built-in documents have samples", len(seen), len(BuiltinNames()))
	}
	e, err := New(t.Context(), personas)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range samples {
		t.Run(s.Name, func(t *testing.T) {
			d, err := e.Decide(t.Context(), request(personaOf(s), s.Access))
			if err != nil {
				t.Fatal(err)
			}
			got := d.Accesses[0]
			if got.Verdict != s.Verdict {
				t.Errorf("got %+v, want %s", got, s.Verdict)
			}
			if s.Statement != "" && !slices.Contains(got.Statements, s.Statement) {
				t.Errorf("decided by %q, want %s", got.Statements, s.Statement)
			}
			// Guardrails may deny more, never allow.
			if d.Allow && s.Verdict != authz.Allowed {
				t.Errorf("allowed as a whole although %+v", got)
			}
		})
	}
}

// personaOf names the layers that a sample is judged under.
func personaOf(s Sample) string {
	if len(s.Persona.Boundary) > 0 {
		return s.Document + " bounded"
	}
	return s.Document
}

// Every identity document is judged alone and under the boundary, and both make
// a difference: some samples hold only there.
func TestSamplesTryTheBoundary(t *testing.T) {
	samples, err := Samples()
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]map[string]bool{}
	for _, s := range samples {
		note, way, _ := strings.Cut(s.Name, " (")
		if ways[note] == nil {
			ways[note] = map[string]bool{}
		}
		ways[note][way] = true
	}
	both, alone, bounded := 0, 0, 0
	for _, w := range ways {
		switch {
		case w["alone)"] && w["bounded)"]:
			both++
		case w["alone)"]:
			alone++
		case w["bounded)"]:
			bounded++
		}
	}
	if both == 0 || alone == 0 || bounded == 0 {
		t.Errorf("got %d samples under both, %d alone, %d bounded", both, alone, bounded)
	}
}
