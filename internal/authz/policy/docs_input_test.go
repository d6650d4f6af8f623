package policy

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	files "github.com/ecs-mcp-proxy/ecs-mcp-proxy/rego"
)

// schemaNode is what the page tells of a member.
type schemaNode struct {
	Description string
	Type        any
	AnyOf       []any
	Required    []string
	Properties  map[string]*schemaNode
	Items       *schemaNode
}

// docs/policy.md has a row for each member of the schema, with what that says of it.
func TestTheInputIsDocumentedFieldByField(t *testing.T) {
	b, err := fs.ReadFile(files.Files, "schema/input.json")
	if err != nil {
		t.Fatal(err)
	}
	var root schemaNode
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	const name, head = "../../../docs/policy.md", "| member | type | always | meaning |\n|---|---|---|---|\n"
	var table strings.Builder
	table.WriteString(head)
	writeMembers(t, &table, "input", &root)
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), head)
	_, after, closed := strings.Cut(rest, "\n\n")
	if !ok || !closed {
		t.Fatal("docs/policy.md has no table of the input's members")
	}
	want := before + table.String() + "\n" + after
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(page) {
		t.Error("docs/policy.md does not have the members of rego/schema/input.json; run: go test ./internal/authz/policy -run Documented -update")
	}
}

func writeMembers(t *testing.T, table *strings.Builder, path string, node *schemaNode) {
	for _, name := range slices.Sorted(maps.Keys(node.Properties)) {
		member := node.Properties[name]
		at := path + "." + name
		if member.Description == "" {
			t.Errorf("%s has no description in rego/schema/input.json", at)
		}
		always := ""
		if slices.Contains(node.Required, name) {
			always = "yes"
		}
		fmt.Fprintf(table, "| `%s` | %s | %s | %s |\n", at, typeOf(member), always, member.Description)
		writeMembers(t, table, at, member)
		if member.Items != nil {
			writeMembers(t, table, at+"[]", member.Items)
		}
	}
}

func typeOf(n *schemaNode) string {
	switch kind := n.Type.(type) {
	case string:
		return kind
	case []any: // a type, or null
		return fmt.Sprint(kind[0])
	}
	return "any"
}
