package catalog

import (
	"errors"
	"fmt"
	"unicode/utf8"
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
