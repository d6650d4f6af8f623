package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestBuiltinNames(t *testing.T) {
	want := append([]string{"default", "region-and-production"}, personaNames...)
	slices.Sort(want)
	if got := BuiltinNames(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBuiltinDeclaresItsPlaceholders(t *testing.T) {
	all, err := builtins()
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range all {
		used := map[string]bool{}
		for _, match := range placeholderName.FindAllStringSubmatch(string(b.Document), -1) {
			used[match[1]] = true
		}
		for key, p := range b.Values {
			if !used[key] || p.About == "" {
				t.Errorf("%s: value %s is not used or not explained", name, key)
			}
			delete(used, key)
		}
		if len(used) > 0 || b.About == "" {
			t.Errorf("%s: undeclared placeholders %v, about %q", name, used, b.About)
		}
	}
}

func TestBuiltinRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		document string
		values   map[string]string
		want     string
	}{
		"a name there is not":            {"read-only", values, "there are default, deployment, express-mode, managed-server, read-only-monitoring"},
		"a value that is missing":        {"service-specific", map[string]string{"region": "us-east-1", "account": "123456789012", "cluster": "shop"}, "values.service: is needed"},
		"a wildcard in a name":           {"service-specific", map[string]string{"region": "us-east-1", "account": "123456789012", "cluster": "*", "service": "web"}, "values.cluster: \"*\" has a wildcard; name exactly one: name of the cluster; for more, write a document of your own: ecs-mcp-proxy policy show --document service-specific --value cluster=… > FILE.json, and edit it"},
		"a value that ends the string":   {"region-and-production", map[string]string{"region": `x","Effect":"Allow`}, "has characters that no AWS name has"},
		"a variable in a value":          {"deployment", map[string]string{"region": "us-east-1", "account": "1", "task_roles": "${aws:username}"}, "has characters that no AWS name has"},
		"a region that is none":          {"service-specific", map[string]string{"region": "Virginia", "account": "1", "cluster": "shop", "service": "web"}, `"Virginia" is no region`},
		"another placeholder in a value": {"region-and-production", map[string]string{"region": "{{account}}"}, "has characters"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Builtin(tt.document, tt.values)
			if !errors.Is(err, ErrDocument) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an ErrDocument that says %q", err, tt.want)
			}
		})
	}
}

func TestBuiltinTakesAPatternOfRoles(t *testing.T) {
	d, err := Builtin("deployment", map[string]string{"account": "123456789012", "task_roles": "app-*"})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(d.JSON, []byte("arn:aws:iam::123456789012:role/app-*")) {
		t.Errorf("got %s", d.JSON)
	}
}

// The two statements that operators ask for by name are in the boundary.
func TestBoundaryNamesItsStatements(t *testing.T) {
	var document struct {
		Statement []struct{ Sid, Effect string }
	}
	if err := json.Unmarshal(shipped(t, "region-and-production").JSON, &document); err != nil {
		t.Fatal(err)
	}
	effects := map[string]string{}
	for _, s := range document.Statement {
		effects[s.Sid] = s.Effect
	}
	if effects["ProductionProtection"] != "Deny" || effects["RegionRestriction"] != "Deny" || effects["AllowAll"] != "Allow" {
		t.Errorf("got %v", effects)
	}
}
