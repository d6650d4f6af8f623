package misspelled

import (
	"slices"
	"testing"
)

func TestHint(t *testing.T) {
	t.Parallel()
	known := []string{"guardrails", "role", "session_tags", "mcp", "taps", "tabs"}
	for _, c := range []struct{ name, wrote, want string }{
		{"letters that changed places", "guardrials", `; did you mean "guardrails"?`},
		{"another case", "Role", `; did you mean "role"?`},
		{"words joined otherwise", "sessionTags", `; did you mean "session_tags"?`},
		{"a long s, which folds to s", "\u017fe\u017f\u017fion-tags", `; did you mean "session_tags"?`},
		{"of two that are as near, the first by name", "tags", `; did you mean "tabs"?`},
		{"too far from all", "gridlocks", ""},
		{"too short to tell", "mpc", ""},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := Hint(c.wrote, slices.Values(known)); got != c.want {
				t.Errorf("Hint(%q) = %q, want %q", c.wrote, got, c.want)
			}
		})
	}
}
