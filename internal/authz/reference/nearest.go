package reference

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// NearestService returns the prefix that somebody who wrote this one may have
// meant, or "".
func NearestService(prefix string) string {
	var detailed []string
	for _, name := range read().services {
		if Detailed(name) {
			detailed = append(detailed, name)
		}
	}
	if found := nearest(prefix, detailed); found != "" { // what policies here are about
		return found
	}
	return nearest(prefix, read().services)
}

// NearestAction returns the action that somebody who wrote name may have meant,
// or "". The service must be right. A pattern that ends in its only * is
// compared with the words that actions begin with.
func NearestAction(name string) string {
	prefix, _, _ := strings.Cut(strings.ToLower(name), ":")
	load, ok := read().detailed[prefix]
	if !ok {
		return ""
	}
	head, wild := strings.CutSuffix(name, "*")
	if strings.ContainsAny(head, "*?") {
		return ""
	}
	var names []string
	for _, a := range load().actions {
		if wild {
			names = append(names, beginnings(a.Name)...)
		} else {
			names = append(names, a.Name)
		}
	}
	found := nearest(head, names)
	if found != "" && wild {
		found += "*"
	}
	return found
}

// beginnings are the name without its last word, its last two words, and so on.
func beginnings(name string) (all []string) {
	for i := len(name) - 1; i > 0 && name[i-1] != ':'; i-- {
		if name[i] >= 'A' && name[i] <= 'Z' {
			all = append(all, name[:i])
		}
	}
	return all
}

// NearestKey returns the condition key that somebody who wrote name may have
// meant, with the tag key that was written, or "".
func NearestKey(name string) string {
	prefix, _, _ := strings.Cut(strings.ToLower(name), ":")
	keys := read().global
	if load, ok := read().detailed[prefix]; ok {
		keys = append(keys[:len(keys):len(keys)], load().keys...)
	}
	// Names with a slash are compared without what is behind it.
	head, tail, hasTail := strings.Cut(name, "/")
	var names []string
	for _, k := range keys {
		family, _, isFamily := strings.Cut(k.Name, "/*")
		if isFamily == hasTail {
			names = append(names, family)
		}
	}
	found := nearest(head, names)
	if found != "" && hasTail {
		found += "/" + tail
	}
	return found
}

// nearest returns the one of names that takes the fewest changes, if those are
// few: one for every four characters behind the prefix, two in a word of five.
func nearest(name string, names []string) string {
	best, fewest := "", 1
	switch length := len(name) - strings.IndexByte(name, ':') - 1; {
	case length < 5:
		fewest += 1
	default:
		fewest += max(2, length/4)
	}
	for _, candidate := range names {
		if len(candidate)-len(name) >= fewest || len(name)-len(candidate) >= fewest {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < fewest {
			best, fewest = candidate, d
		}
	}
	return best
}

// distance counts changes; two neighbours that changed places are one.
func distance(a, b string) int {
	if len(a) == len(b) {
		for i := range len(a) - 1 {
			if a[i] != b[i] {
				if a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
					return 1
				}
				break
			}
		}
	}
	return levenshtein.ComputeDistance(a, b)
}
