package catalog

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
)

var (
	plainARN = regexp.MustCompile(`\A(\*|arn:(aws|ecs-mcp-proxy):[a-z0-9]+:(us-east-1)?:(123456789012)?:[ -~]+)\z`)
	ownStars = regexp.MustCompile(`(/\*|:\*|\*/\*)+\z`)
)

// Whatever comes in, Resolve does not panic; what it refuses is refused in one
// of its classes; what it accepts is at least one ASCII ARN of the call's own
// account and region, whose wildcards stand only at the end.
func FuzzResolve(f *testing.F) {
	c := awslabs(f)
	for _, s := range samples(f) {
		tool, raw := sample(c, s[0], s[1])
		f.Add(tool, string(raw))
	}
	for _, r := range refusals {
		f.Add(r.tool, r.args)
	}
	f.Fuzz(func(t *testing.T, tool, args string) {
		r, err := c.Resolve(testEnv, tool, json.RawMessage(args))
		if err != nil {
			if r != nil || !errors.Is(err, ErrArgument) && !errors.Is(err, ErrUnknownTool) && !errors.Is(err, ErrUnknownOperation) {
				t.Fatalf("%v, %v", r, err)
			}
			return
		}
		sound(t, r)
	})
}

// sound fails unless the accesses are ones that policy and a grant can be about.
func sound(t *testing.T, r *Resolution) {
	t.Helper()
	if len(r.Accesses) == 0 {
		t.Fatal("no access")
	}
	for _, a := range r.Accesses {
		if !plainARN.MatchString(a.Resource) {
			t.Fatalf("resource %q", a.Resource)
		}
		if stem := ownStars.ReplaceAllString(a.Resource, ""); a.Resource != "*" && strings.ContainsAny(stem, "*?${}") {
			t.Fatalf("resource %q", a.Resource)
		}
		if (a.Resource == "*") != a.Unscopable {
			t.Fatalf("%s on %s", a.Action, a.Resource)
		}
		if len(a.Context["aws:RequestedRegion"].Values) != 1 {
			t.Fatalf("%s without a region", a.Action)
		}
		for key, v := range a.Context {
			if !v.Multi && len(v.Values) != 1 || strings.HasSuffix(key, "*") {
				t.Fatalf("%s = %+v", key, v)
			}
		}
	}
}

// FuzzCatalogue: what is read as a catalogue, whoever wrote it, can be asked about any call,
// and its answers are sound as well.
func FuzzCatalogue(f *testing.F) {
	for _, args := range []string{`{"task":"1a","cluster":"web"}`, `{"bucket":"abc","prefix":"x/"}`, `{"task":"*"}`, ``, `{"bucket":["a"]}`} {
		for _, tool := range []string{"stop_task", "read", "hello"} {
			f.Add(other, tool, args)
		}
	}
	f.Add("catalogue: 1\nserver: a\ntools: {b: {call: {arguments: {}}}}", "b", "{}")
	f.Add("tools: &a {b: *a}", "b", "{}")
	f.Fuzz(func(t *testing.T, text, tool, args string) {
		c, err := Read("fuzz.yaml", []byte(text))
		if err != nil {
			if c != nil || !errors.Is(err, ErrFormat) {
				t.Fatalf("%v, %v", c, err)
			}
			return
		}
		for _, name := range append(c.Tools(), tool) {
			r, err := c.Resolve(testEnv, name, json.RawMessage(args))
			switch {
			case err == nil:
				sound(t, r)
			case r != nil || !errors.Is(err, ErrArgument) && !errors.Is(err, ErrUnknownTool) && !errors.Is(err, ErrUnknownOperation):
				t.Fatalf("%v, %v", r, err)
			}
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	c := awslabs(b)
	for _, s := range [][2]string{
		{"DeleteService", `{"cluster":"prod","service":"web"}`},
		{"RunTask", `{"cluster":"prod","taskDefinition":"web:3","overrides":{"taskRoleArn":"x"},"tags":[{"key":"a","value":"b"}]}`},
		{"DescribeServices", `{"services":["a","b","c","d","e","f","g","h","i","j"]}`},
	} {
		tool, raw := sample(c, s[0], s[1])
		b.Run(s[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Resolve(testEnv, tool, raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
