package fakeaws

import (
	"errors"
	"fmt"
	"strings"
)

// A pattern is text of a policy that is compared with a request: literal
// characters, wildcards, and variables that a request fills.
// Source: IAM User Guide, "IAM policy elements: Variables and tags".
type pattern []part

type part struct {
	kind partKind
	text string // literal text, or the key of a variable
	// fallback is the variable's default value.
	fallback    string
	hasFallback bool
}

type partKind byte

const (
	literal partKind = iota
	anyText
	anyChar
	variable
)

// parsePattern reads text. Variables are read in policy version 2012-10-17
// alone (an earlier version means "${" literally), wildcards if wild is set.
func parsePattern(text string, variables, wild bool) (pattern, error) {
	var p pattern
	for text != "" {
		switch {
		case variables && strings.HasPrefix(text, "${"):
			end := strings.IndexByte(text, '}')
			if end < 0 {
				return nil, errors.New("a policy variable has no closing brace")
			}
			v, err := parseVariable(text[2:end])
			if err != nil {
				return nil, err
			}
			p, text = append(p, v), text[end+1:]
		case wild && text[0] == '*':
			p, text = append(p, part{kind: anyText}), text[1:]
		case wild && text[0] == '?':
			p, text = append(p, part{kind: anyChar}), text[1:]
		default:
			end := 1
			for end < len(text) && text[end] != '$' && text[end] != '*' && text[end] != '?' {
				end++
			}
			p, text = append(p, part{kind: literal, text: text[:end]}), text[end:]
		}
	}
	return p, nil
}

func parseVariable(body string) (part, error) {
	switch body {
	case "*", "?", "$":
		return part{kind: literal, text: body}, nil
	}
	key, fallback, has := strings.Cut(body, ",")
	key = strings.TrimSpace(key)
	if key == "" || strings.ContainsAny(key, "${}*? '") {
		return part{}, fmt.Errorf("policy variable %q is not a condition key", body)
	}
	if !has {
		return part{kind: variable, text: key}, nil
	}
	fallback = strings.TrimSpace(fallback)
	if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
		return part{}, fmt.Errorf("the default of policy variable %q is not in single quotes", key)
	}
	return part{kind: variable, text: key, fallback: fallback[1 : len(fallback)-1], hasFallback: true}, nil
}

// An atom is one character of a filled pattern.
type atom struct {
	kind partKind // literal, anyText or anyChar
	char rune
}

// fill puts the request's values in place of the variables. A value is literal
// whatever it holds: a tag of "*" is no wildcard. It reports false if a
// variable has neither a single value nor a default.
func (p pattern) fill(k keys) ([]atom, bool) {
	var atoms []atom
	add := func(text string) {
		for _, char := range text {
			atoms = append(atoms, atom{char: char})
		}
	}
	for _, part := range p {
		switch part.kind {
		case literal:
			add(part.text)
		case variable:
			v, ok := k.get(part.text)
			switch {
			case ok && !v.multi:
				add(v.values[0])
			case !ok && part.hasFallback:
				add(part.fallback)
			default:
				return nil, false
			}
		default:
			atoms = append(atoms, atom{kind: part.kind})
		}
	}
	return atoms, true
}

// globs reports whether atoms match all of text.
func globs(atoms []atom, text []rune) bool {
	a, t := 0, 0
	lastStar, retry := -1, 0
	for t < len(text) {
		switch {
		case a < len(atoms) && atoms[a].kind == anyText:
			lastStar, retry = a, t
			a++
		case a < len(atoms) && (atoms[a].kind == anyChar || atoms[a].kind == literal && atoms[a].char == text[t]):
			a++
			t++
		case lastStar >= 0:
			retry++
			a, t = lastStar+1, retry
		default:
			return false
		}
	}
	for a < len(atoms) && atoms[a].kind == anyText {
		a++
	}
	return a == len(atoms)
}
