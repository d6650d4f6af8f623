package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// plainName is what a scaffold writes as it is. Names come from the server, so
// anything else is left to whoever reads the list.
var plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,127}$`)

// scaffold prints a catalogue of tools that no catalogue describes, to be filled
// in: their arguments as the server lists them, and a refusal in the place of
// what nobody has said yet. As it is printed it allows nothing.
func scaffold(server string, tools []wire.Tool, out io.Writer) error {
	fmt.Fprintf(out, "catalogue: 1\nserver: %s   # the name for upstream.server\ntools:\n", server)
	for _, tool := range tools {
		if !plainName.MatchString(tool.Name) {
			fmt.Fprintf(out, "  # %+q is no name for a catalogue\n", tool.Name)
			continue
		}
		var said struct {
			InputSchema struct {
				Properties map[string]schema
				Required   []string
			}
		}
		if err := json.Unmarshal(tool.Raw, &said); err != nil {
			return fmt.Errorf("read the schema of tool %s: %w", tool.Name, err)
		}
		fmt.Fprintf(out, "  %s:\n    call:\n      refuse: nobody has said yet what this does at AWS   # then remove this line\n", tool.Name)
		if len(said.InputSchema.Properties) > 0 {
			fmt.Fprintln(out, "      arguments:")
		}
		for _, name := range slices.Sorted(maps.Keys(said.InputSchema.Properties)) {
			if !plainName.MatchString(name) {
				fmt.Fprintf(out, "        # %+q is no name for a catalogue\n", name)
				continue
			}
			fmt.Fprintf(out, "        %s: %s\n", name, said.InputSchema.Properties[name].argument(slices.Contains(said.InputSchema.Required, name)))
		}
		fmt.Fprintln(out, "      # resources: [{name: cluster}]   # the arguments that name something at AWS, the cluster first\n"+
			"      # accesses: [{action: 'ecs:…', resource: cluster}]   # what the server asks AWS for; without any it calls none")
	}
	return nil
}

// schema is what a scaffold reads of a JSON Schema.
type schema struct {
	Type  any // a string, or a list of them
	AnyOf []schema
}

// argument is the catalogue's word for what a schema allows. What it cannot tell
// is any, which a person has to look at.
func (s schema) argument(required bool) string {
	types := s.types()
	nullable := slices.Contains(types, "null")
	types = slices.DeleteFunc(types, func(t string) bool { return t == "null" })
	word := "any"
	if len(types) == 1 {
		word = map[string]string{"string": "string", "integer": "integer", "number": "number", "boolean": "boolean"}[types[0]]
	}
	words := []string{"type: " + cmp.Or(word, "any")}
	if required {
		words = append(words, "required: true")
	}
	if nullable {
		words = append(words, "nullable: true")
	}
	return "{" + strings.Join(words, ", ") + "}"
}

func (s schema) types() (all []string) {
	switch t := s.Type.(type) {
	case string:
		all = append(all, t)
	case []any:
		for _, one := range t {
			all = append(all, fmt.Sprint(one))
		}
	}
	for _, one := range s.AnyOf {
		all = append(all, one.types()...)
	}
	return all
}
