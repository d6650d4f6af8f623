package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// kind is a type of AWS resource: how its ARN is written and which spellings of
// it an argument may have.
type kind struct {
	name  string // as in the service authorization reference
	arn   template
	own   []string   // the parts a bare name gives; the others are parents
	forms []*pattern // of what follows the account in an ARN
	names []*pattern // of a bare name
	open  []string   // parts that may stay open
}

// ref is a resource that a call names.
type ref struct {
	kind  *kind
	parts map[string]string // "cluster", "service" ...; "*" for an open one
	arn   string
	all   bool // stands for every resource of the kind
}

// template is an ARN with {parts}.
type template string

var partName = regexp.MustCompile(`\{([a-z-]+)(?::([a-z-]+))?\}`)

// render fills in the parts and returns the names of those that are missing.
func (t template) render(env Env, parts map[string]string) (s string, missing []string) {
	var b strings.Builder
	rest := string(t)
	for {
		start := strings.IndexByte(rest, '{')
		if start < 0 {
			b.WriteString(rest)
			return b.String(), missing
		}
		end := start + strings.IndexByte(rest[start:], '}')
		b.WriteString(rest[:start])
		name := rest[start+1 : end]
		switch name {
		case "partition":
			b.WriteString(env.Partition)
		case "account":
			b.WriteString(env.Account)
		case "region":
			b.WriteString(env.Region)
		default:
			value, ok := parts[name]
			if !ok {
				missing = append(missing, name)
			}
			b.WriteString(value)
		}
		rest = rest[end+1:]
	}
}

// pattern matches a text and takes its parts.
type pattern struct {
	text  string
	re    *regexp.Regexp
	parts []string
}

// compilePattern turns "service/{cluster}/{service}" into a pattern; each part
// has the character set of its name, or of the name behind its colon.
func compilePattern(text string, charsets map[string]string) (*pattern, error) {
	p := &pattern{text: partName.ReplaceAllString(text, "{$1}")}
	expr, rest := "", text
	for {
		loc := partName.FindStringSubmatchIndex(rest)
		if loc == nil {
			expr += regexp.QuoteMeta(rest)
			break
		}
		name := rest[loc[2]:loc[3]]
		charset := name
		if loc[4] >= 0 {
			charset = rest[loc[4]:loc[5]]
		}
		set, ok := charsets[charset]
		if !ok {
			return nil, fmt.Errorf("part {%s} of %q has no character set under parts", charset, text)
		}
		expr += regexp.QuoteMeta(rest[:loc[0]]) + "(" + set + ")"
		p.parts = append(p.parts, name)
		rest = rest[loc[1]:]
	}
	re, err := regexp.Compile(`\A(?:` + expr + `)\z`)
	if err != nil {
		return nil, err
	}
	if re.NumSubexp() != len(p.parts) {
		return nil, fmt.Errorf("a character set in %q has a group of its own; write (?:...)", text)
	}
	p.re = re
	return p, nil
}

func (p *pattern) match(s string) (map[string]string, bool) {
	m := p.re.FindStringSubmatch(s)
	if m == nil {
		return nil, false
	}
	parts := make(map[string]string, len(p.parts)+2)
	for i, name := range p.parts {
		parts[name] = m[i+1]
	}
	return parts, true
}

// spelling says which spellings an argument takes; the zero value takes both.
type spelling string

const (
	arnOrName spelling = ""
	onlyARN   spelling = "arn"
	onlyName  spelling = "name"
)

// resolve reads a name or an ARN as a resource of one of the kinds. call holds
// the parts that the call has already named: they complete a bare name and must
// agree with an ARN.
func resolve(env Env, kinds []*kind, only spelling, s, path string, call map[string]string) (*ref, error) {
	if s == "" {
		return nil, refuse(path, "must not be empty")
	}
	isARN := strings.HasPrefix(s, "arn:")
	switch {
	case isARN && only == onlyName:
		return nil, refuse(path, "must be a name, not an ARN")
	case !isARN && only == onlyARN:
		return nil, refuse(path, "must be the full ARN of %s", kindNames(kinds))
	case isARN:
		return resolveARN(env, kinds, s, path, call)
	}
	for _, k := range kinds {
		for _, p := range k.names {
			if parts, ok := p.match(s); ok {
				return k.complete(env, parts, path, call)
			}
		}
	}
	return nil, refuse(path, "must be %s of %s in AWS's characters, without wildcards", orARN(only), kindNames(kinds))
}

func orARN(only spelling) string {
	if only == onlyName {
		return "the name"
	}
	return "the name or ARN"
}

func resolveARN(env Env, kinds []*kind, s, path string, call map[string]string) (*ref, error) {
	given := strings.SplitN(s, ":", 6)
	if len(given) != 6 {
		return nil, refuse(path, "must be a whole ARN, arn:partition:service:region:account:resource")
	}
	var mismatch error
	for _, k := range kinds {
		head, _ := k.arn.render(env, nil)
		want := strings.SplitN(head, ":", 6)
		if given[2] != want[2] {
			continue
		}
		for _, form := range k.forms {
			parts, ok := form.match(given[5])
			if !ok {
				continue
			}
			for i, word := range []string{1: "partition", 3: "region", 4: "account"} {
				if word != "" && given[i] != want[i] {
					return nil, refuse(path, "names %s %s, but this call is bound to %s %s", word, quote(given[i]), word, quote(want[i]))
				}
			}
			r, err := k.complete(env, parts, path, call)
			if err == nil {
				return r, nil
			}
			mismatch = err
		}
	}
	if mismatch != nil {
		return nil, mismatch
	}
	return nil, refuse(path, "must be the ARN of %s", kindNames(kinds))
}

// complete adds the parts that the spelling left out and renders the ARN.
func (k *kind) complete(env Env, parts map[string]string, path string, call map[string]string) (*ref, error) {
	for name, value := range call {
		if slices.Contains(k.own, name) {
			continue
		}
		if given, ok := parts[name]; ok && given != value {
			return nil, refuse(path, "names %s %s, but the call is for %s %s: give both the same", name, quote(given), name, quote(value))
		}
		parts[name] = value
	}
	r := &ref{kind: k, parts: parts}
	for _, name := range k.open {
		if _, ok := parts[name]; !ok {
			parts[name] = "*"
		}
	}
	arn, missing := k.arn.render(env, parts)
	if len(missing) > 0 {
		return nil, refuse(path, "does not name its %s: give the long ARN", strings.Join(missing, " and "))
	}
	r.arn = arn
	return r, nil
}

// all returns the ref that stands for every resource of the kind within the
// parents that the call has named.
func (k *kind) all(env Env, call map[string]string) *ref {
	parts := map[string]string{}
	for _, m := range partName.FindAllStringSubmatch(string(k.arn), -1) {
		if value, ok := call[m[1]]; ok && !slices.Contains(k.own, m[1]) {
			parts[m[1]] = value
		} else if m[1] != "partition" && m[1] != "region" && m[1] != "account" {
			parts[m[1]] = "*"
		}
	}
	arn, _ := k.arn.render(env, parts)
	return &ref{kind: k, parts: parts, arn: arn, all: true}
}

func kindNames(kinds []*kind) string {
	if len(kinds) > 3 {
		return "a resource of Amazon ECS"
	}
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return "a " + strings.Join(names, " or ")
}
