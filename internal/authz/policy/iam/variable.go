package iam

import (
	"regexp"
	"strings"
)

// text is a string of a policy: literal, or with variables to be replaced.
type text struct {
	source    string
	variables bool
}

// expansion is a text for one access. It is settled if neither unknown nor
// missing names a key.
type expansion struct {
	text             string
	unknown, missing []string
}

func (e expansion) settled() bool { return len(e.unknown)+len(e.missing) == 0 }

// newText reads a string of a document. Version 2008-10-17, which an absent one
// means, has no variables.
// Source: IAM user guide, "IAM JSON policy elements: Version".
func newText(source, version string) text {
	return text{source, version == "2012-10-17" && strings.Contains(source, "${")}
}

var variableForm = regexp.MustCompile(`\$\{[^}]*\}`)

// expand replaces the variables; the keys of those that could not be are listed.
func (t text) expand(env *environment) expansion {
	if !t.variables {
		return expansion{text: t.source}
	}
	var e expansion
	var replacements []string
	for _, source := range variableForm.FindAllString(t.source, -1) {
		value, key, state := variable(source, env)
		switch state {
		case found:
			replacements = append(replacements, source, value)
		case unknown:
			e.unknown = append(e.unknown, key)
		case missing:
			e.missing = append(e.missing, key)
		}
	}
	e.text = strings.NewReplacer(replacements...).Replace(t.source)
	return e
}

type state int

const (
	found state = iota
	unknown
	missing
)

var escapes = map[string]string{"${*}": string(starMark), "${?}": string(questionMark), "${$}": "$"}

var defaultForm = regexp.MustCompile(`(?s)^\$\{[^,]*,\s*'(.*)'\s*\}$`)

// variable says what one ${…} stands for. A multi-valued key cannot stand in a
// text; a value that holds a mark could be taken for a wildcard.
func variable(source string, env *environment) (value, key string, _ state) {
	if escape, ok := escapes[source]; ok {
		return escape, "", found
	}
	key, _, _ = strings.Cut(strings.TrimSuffix(strings.TrimPrefix(source, "${"), "}"), ",")
	key = strings.TrimSpace(key)
	folded := strings.ToLower(key)
	if env.isUnknown(folded) {
		return "", key, unknown
	}
	if known, ok := env.get(folded); ok && !known.Multi && !hasMark(known.Values[0]) {
		return marks.Replace(known.Values[0]), key, found
	}
	if _, present := env.present(folded); !present {
		if match := defaultForm.FindStringSubmatch(source); match != nil && !hasMark(match[1]) {
			return marks.Replace(match[1]), key, found
		}
	}
	return "", key, missing
}
