package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// writeAnswers lists the members of ECS answers that hold what is not for every
// reader, one a line with the action before it: those that the model marks as
// sensitive, and the references to secrets. The tests of package redact read it.
func writeAnswers(file string, m model, actions map[string]action) error {
	var lines []string
	for name, op := range m.Operations {
		if _, ok := actions["ecs:"+name]; !ok || op.Output.Shape == "" {
			continue
		}
		for _, path := range slices.Sorted(maps.Keys(secretive(m.Shapes, op.Output.Shape, nil, map[string]bool{}))) {
			lines = append(lines, "ecs:"+name+" "+path)
		}
	}
	slices.Sort(lines)
	return os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

func secretive(shapes map[string]modelShape, name string, path []string, above map[string]bool) map[string]bool {
	found, s := map[string]bool{}, shapes[name]
	if above[name] {
		return found // a shape within itself
	}
	above[name] = true
	defer delete(above, name)
	if last := len(path) - 1; last >= 0 && (s.Sensitive || path[last] == "secrets") {
		found[strings.Join(path, ".")] = true
	}
	below := func(shape string, path []string) { maps.Copy(found, secretive(shapes, shape, path, above)) }
	for member, ref := range s.Members {
		below(ref.Shape, append(slices.Clone(path), member))
	}
	if s.Member.Shape != "" {
		below(s.Member.Shape, append(slices.Clone(path[:len(path)-1]), fmt.Sprint(path[len(path)-1], "[]")))
	}
	if s.Value.Shape != "" {
		below(s.Value.Shape, append(slices.Clone(path), "*"))
	}
	return found
}
