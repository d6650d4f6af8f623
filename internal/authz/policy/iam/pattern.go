package iam

import (
	"strings"
	"unicode/utf8"
)

// What a policy variable puts into a pattern is literal: its special characters
// travel as these marks until the comparison, as in rego/iam/pattern.rego.
const (
	starMark     = '\ue000'
	questionMark = '\ue001'
	colonMark    = '\ue002'
)

var (
	marks   = strings.NewReplacer("*", string(starMark), "?", string(questionMark), ":", string(colonMark))
	unmarks = strings.NewReplacer(string(starMark), "*", string(questionMark), "?", string(colonMark), ":")
)

func hasMark(text string) bool {
	return strings.Contains(text, "\ue000") || strings.Contains(text, "\ue001") || strings.Contains(text, "\ue002")
}

func unmark(text string) string {
	if !strings.Contains(text, "\xee\x80") { // the first bytes of every mark
		return text
	}
	return unmarks.Replace(text)
}

func hasWildcard(text string) bool { return strings.ContainsAny(text, "*?") }

// globMatches reports whether the pattern matches all of text: "*" any text, "?"
// one character.
func globMatches(pattern, text string) bool {
	if !hasWildcard(pattern) {
		return unmark(pattern) == text
	}
	p, t, star, retry := 0, 0, -1, 0
	for t < len(text) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				star, retry = p, t
				p++
				continue
			}
			want, wide := utf8.DecodeRuneInString(pattern[p:])
			have, width := utf8.DecodeRuneInString(text[t:])
			if pattern[p] == '?' || literal(want) == have {
				p += wide
				t += width
				continue
			}
		}
		if star < 0 {
			return false
		}
		_, width := utf8.DecodeRuneInString(text[retry:])
		retry += width
		p, t = star+1, retry
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

func literal(r rune) rune {
	switch r {
	case starMark:
		return '*'
	case questionMark:
		return '?'
	case colonMark:
		return ':'
	}
	return r
}

// arnParts is how many parts an ARN has.
const arnParts = 6

// arnMatches: wildcards do not leave their part, except that the "*" which ends
// a short pattern ("arn:aws:ecs:*") runs to the end.
func arnMatches(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	for n := 1; ; n++ {
		part, rest, more := strings.Cut(pattern, ":")
		if n == arnParts {
			return globMatches(pattern, arn)
		}
		if !more { // a short pattern: its last part meets all that is left
			return strings.HasSuffix(part, "*") && globMatches(part, arn)
		}
		text, tail, ok := strings.Cut(arn, ":")
		if !ok || !globMatches(part, text) {
			return false
		}
		pattern, arn = rest, tail
	}
}

// arnCovers: the pattern matches every resource that the wide one stands for.
// "?" must not swallow a "*": one character cannot stand for many. Nor is the
// literal "*" of a policy variable the wildcard that the wide one has there.
func arnCovers(pattern, wide string) bool {
	return !strings.ContainsAny(pattern, "?\ue000\ue001") && arnMatches(pattern, wide)
}

// arnOverlaps: there may be a resource that both match. Errs towards yes: only
// what stands before the first and after the last wildcard is compared.
func arnOverlaps(pattern, wide string) bool {
	theirFirst, theirLast := literalEnds(pattern)
	ourFirst, ourLast := literalEnds(wide)
	return (strings.HasPrefix(theirFirst, ourFirst) || strings.HasPrefix(ourFirst, theirFirst)) &&
		(strings.HasSuffix(theirLast, ourLast) || strings.HasSuffix(ourLast, theirLast))
}

func literalEnds(pattern string) (first, last string) {
	i := strings.IndexAny(pattern, "*?")
	if i < 0 {
		first = unmark(pattern)
		return first, first
	}
	return unmark(pattern[:i]), unmark(pattern[strings.LastIndexAny(pattern, "*?")+1:])
}
