package fakeaws

import "strings"

// arnParts is how many segments an ARN has:
// arn:partition:service:region:account:resource, the last one with any colons.
const arnParts = 6

// matchARN compares a filled pattern with an ARN segment by segment, with case.
// A pattern of fewer segments matches only if it ends in "*", which then runs
// over the remaining colons: "*" and "arn:aws:ecs:*".
// Source: IAM User Guide, "IAM JSON policy elements: Resource".
func matchARN(atoms []atom, arn string) bool {
	want := splitAtoms(atoms)
	if len(want) < arnParts {
		last := want[len(want)-1]
		if len(last) == 0 || last[len(last)-1].kind != anyText {
			return false
		}
	}
	have := strings.SplitN(arn, ":", len(want))
	if len(have) != len(want) {
		return false
	}
	for i := range want {
		if !globs(want[i], []rune(have[i])) {
			return false
		}
	}
	return true
}

// splitAtoms cuts at the first five colons.
func splitAtoms(atoms []atom) [][]atom {
	var segments [][]atom
	start := 0
	for i, a := range atoms {
		if a.kind == literal && a.char == ':' && len(segments) < arnParts-1 {
			segments = append(segments, atoms[start:i])
			start = i + 1
		}
	}
	return append(segments, atoms[start:])
}

// isARN reports whether s has the six segments of an ARN.
func isARN(s string) bool {
	return strings.HasPrefix(s, "arn:") && strings.Count(s, ":") >= arnParts-1
}
