package misspelled

import (
	"fmt"
	"iter"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Hint is what to say behind "there is no NAME": which of the known names is the
// same but for case, case folding (such as U+017F for s) or the way its words are
// joined, or is a slip of the finger or two away. It is empty if none is.
func Hint(name string, known iter.Seq[string]) string {
	folded, best := fold(name), ""
	for k := range known {
		if fold(k) == folded && (best == "" || k < best) {
			best = k
		}
	}
	if best == "" {
		best = nearest(name, known)
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// nearest is the known name that takes the fewest changes, if those are few. Of
// short names everything is near, and long ones cost time.
func nearest(name string, known iter.Seq[string]) (best string) {
	if len(name) < 4 || len(name) > 64 {
		return ""
	}
	least := 3
	for k := range known {
		if d := levenshtein.ComputeDistance(name, k); d < least || d == least && best != "" && k < best {
			best, least = k, d
		}
	}
	return best
}

func fold(s string) string {
	s = strings.ToLower(strings.ToUpper(s))
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(s)
}
