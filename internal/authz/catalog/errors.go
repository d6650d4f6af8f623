package catalog

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// The classes of a refusal; test with errors.Is.
var (
	ErrUnknownTool      = errors.New("unknown tool")
	ErrUnknownOperation = errors.New("unknown operation")
	ErrArgument         = errors.New("argument refused")
	// ErrFormat is the class of a catalogue file that cannot be used.
	ErrFormat = errors.New("catalogue not usable")
)

// ArgumentError names the argument that was refused by its path and says what
// would be accepted. It never repeats a value, except a resource's own name.
type ArgumentError struct {
	Argument string // "api_params.services[2]"; empty for the arguments as a whole
	Problem  string
}

func (e *ArgumentError) Error() string {
	if e.Argument == "" {
		return fmt.Sprintf("%v: %s", ErrArgument, e.Problem)
	}
	return fmt.Sprintf("%v: %s %s", ErrArgument, e.Argument, e.Problem)
}

// Is makes every ArgumentError an ErrArgument.
func (e *ArgumentError) Is(target error) bool { return target == ErrArgument }

func refuse(argument, format string, a ...any) error {
	return &ArgumentError{Argument: argument, Problem: fmt.Sprintf(format, a...)}
}

// quote makes a name from outside safe to show: escaped and short.
func quote(s string) string {
	if len(s) > 80 {
		cut := 80
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "..."
	}
	return fmt.Sprintf("%q", s)
}

// didYouMean returns a hint if name is one of known but for case, case folding
// (such as U+017F for s), or the way its words are joined.
func didYouMean[V any](name string, known map[string]V) string {
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

// nearest returns the known name that a slip of the finger or two would make of name.
func nearest[V any](name string, known map[string]V) (best string) {
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
