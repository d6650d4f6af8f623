package reference

import "strings"

// matches reports whether the pattern, with * and ?, matches the whole text.
func matches(pattern, text string) bool {
	star, mark, p := -1, 0, 0
	for t := 0; t < len(text); {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0: // the star takes one more
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// meet reports whether some text matches both patterns.
func meet(a, b string) bool {
	// can[j]: what is left of a, and b from j on, have a text in common.
	can := make([]bool, len(b)+1)
	for i := len(a); i >= 0; i-- {
		next := make([]bool, len(b)+1)
		for j := len(b); j >= 0; j-- {
			switch {
			case i == len(a) && j == len(b):
				next[j] = true
			case i < len(a) && a[i] == '*':
				next[j] = can[j] || j < len(b) && next[j+1]
			case j < len(b) && b[j] == '*':
				next[j] = next[j+1] || i < len(a) && can[j]
			case i < len(a) && j < len(b):
				next[j] = (a[i] == b[j] || a[i] == '?' || b[j] == '?') && can[j+1]
			}
		}
		can = next
	}
	return can[0]
}

// meetARN is meet for a policy's pattern and a whole ARN's: part by part if the
// policy's has all six.
func meetARN(pattern, arn string) bool {
	a, b := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(a) < 6 || len(b) < 6 {
		return meet(pattern, arn)
	}
	for i := range a {
		if !meet(a[i], b[i]) {
			return false
		}
	}
	return true
}
