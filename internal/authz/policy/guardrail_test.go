package policy

import (
	"reflect"
	"strings"
	"testing"
)

func TestGuardrailSettings(t *testing.T) {
	known := map[string]guardrail{
		"exec": {name: "exec", off: true},
		"pass": {name: "pass", settings: map[string]any{"roles": []any{"*"}, "strict": true}},
	}
	tests := map[string]struct {
		given   Guardrails
		off     []string
		roles   any
		problem string
	}{
		"nothing said":               {given: nil, off: []string{"exec"}, roles: []any{"*"}},
		"one turned on":              {given: Guardrails{"exec": "on"}, roles: []any{"*"}},
		"one turned off":             {given: Guardrails{"pass": "off"}, off: []string{"exec", "pass"}, roles: []any{"*"}},
		"as YAML 1.1 would write it": {given: Guardrails{"pass": false, "exec": true}, off: []string{"pass"}, roles: []any{"*"}},
		"settings":                   {given: Guardrails{"pass": map[string]any{"roles": []string{"a"}}}, off: []string{"exec"}, roles: []any{"a"}},
		"settings turn it on":        {given: Guardrails{"exec": map[string]any{}}, roles: []any{"*"}},
		"a misspelled name":          {given: Guardrails{"exce": "on"}, problem: "guardrails.exce: there is no such guardrail; there are exec, pass; did you mean \"exec\"?"},
		"a misspelled word":          {given: Guardrails{"exec": "yes"}, problem: `guardrails.exec must be on, off or its settings, not "yes"`},
		"a misspelled setting":       {given: Guardrails{"pass": map[string]any{"role": "a"}}, problem: "guardrails.pass.role: there is no such setting; there are roles, strict; did you mean \"roles\"?"},
		"a setting of another type":  {given: Guardrails{"pass": map[string]any{"roles": "a"}}, problem: "guardrails.pass.roles must be a list of strings"},
		"a list of something else":   {given: Guardrails{"pass": map[string]any{"roles": []any{1}}}, problem: "guardrails.pass.roles must be a list of strings"},
		"a truth of another type":    {given: Guardrails{"pass": map[string]any{"strict": "yes"}}, problem: "guardrails.pass.strict must be true or false"},
		"neither word nor settings":  {given: Guardrails{"pass": nil}, problem: "guardrails.pass must be on, off or its settings"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			settings, off, err := tt.given.apply(known)
			if tt.problem != "" {
				if err == nil || !strings.Contains(err.Error(), tt.problem) {
					t.Errorf("got %v; want %q", err, tt.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(off) != len(tt.off) {
				t.Errorf("off: %v", off)
			}
			for _, name := range tt.off {
				if off[name] != true {
					t.Errorf("%s is on", name)
				}
			}
			if got := settings["pass"].(map[string]any)["roles"]; !reflect.DeepEqual(got, tt.roles) {
				t.Errorf("roles are %v", got)
			}
		})
	}
}
