package catalog

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPromptsAndResourcesAreAccessesOfTheirOwn(t *testing.T) {
	c := awslabs(t)
	prompt, err := c.Prompt(testEnv, "What alternatives do I have for Fargate?")
	if err != nil || prompt[0].Action != GetPrompt ||
		prompt[0].Resource != "arn:ecs-mcp-proxy:mcp:::awslabs.ecs-mcp-server/prompt/What%20alternatives%20do%20I%20have%20for%20Fargate%3F" {
		t.Errorf("%+v, %v", prompt, err)
	}
	resource, err := c.Resource(testEnv, "file:///etc/*")
	if err != nil || resource[0].Action != ReadResource ||
		resource[0].Resource != "arn:ecs-mcp-proxy:mcp:::awslabs.ecs-mcp-server/resource/file%3A%2F%2F%2Fetc%2F%2A" {
		t.Errorf("%+v, %v", resource, err)
	}
	for _, name := range []string{"", "a\nb", strings.Repeat("a", 1025)} {
		if _, err := c.Prompt(testEnv, name); !errors.Is(err, ErrArgument) {
			t.Errorf("prompt %.10q: %v", name, err)
		}
	}
	if _, err := c.Prompt(Env{}, "a"); err == nil {
		t.Error("an empty environment was accepted")
	}
}

func TestEscapedNamesNeverCollideOrHoldAPattern(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		if (escape(a) == escape(b)) != (a == b) {
			t.Fatalf("%q and %q", a, b)
		}
		if strings.ContainsAny(escape(a), "*?$:/{} ") {
			t.Fatalf("%q became %q", a, escape(a))
		}
	})
}

// A known call with one name changed in case, or with one character put into
// it, is refused: no second spelling ever means something.
func TestNoOtherSpellingOfAnArgumentIsAccepted(t *testing.T) {
	c := awslabs(t)
	calls := samples(t)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(calls).Draw(t, "call")
		tool, raw := sample(c, s[0], s[1])
		if strings.HasPrefix(tool, "aws_knowledge_") {
			return // their arguments are not read
		}
		var names []string
		v, err := read(raw)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, v.names...)
		if own := v.get("api_params"); own != nil {
			names = append(names, own.names...)
		}
		name := rapid.SampledFrom(names).Draw(t, "name")
		i := rapid.IntRange(0, len(name)-1).Draw(t, "at")
		changed := rapid.SampledFrom([]string{
			name[:i] + swapCase(name[i:i+1]) + name[i+1:],
			name[:i] + "\u017f" + name[i:],
			name + "\u0000",
			"_" + name,
		}).Draw(t, "changed")
		if changed == name {
			return
		}
		quoted, _ := json.Marshal(changed)
		again := strings.Replace(string(raw), `"`+name+`":`, string(quoted)+":", 1)
		if r, err := c.Resolve(testEnv, tool, json.RawMessage(again)); err == nil {
			t.Fatalf("%s was accepted: %+v", again, r.Accesses)
		}
	})
}

func swapCase(s string) string {
	if strings.ToLower(s) != s {
		return strings.ToLower(s)
	}
	return strings.ToUpper(s)
}
