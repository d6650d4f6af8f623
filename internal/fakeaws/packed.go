package fakeaws

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// packedLimit is how many packed bytes a session's policy and tags may take.
const packedLimit = 1024

// packedSize estimates PackedPolicySize: the percentage, rounded up, of the
// limit that a session policy and its tags take.
//
// AWS compresses both into a binary form that is not published. This estimate
// is of a plain dictionary coder, so that it depends on nothing but its input:
// one byte opens an object or array; a word of the policy language takes one
// byte; other text is cut after ':' and '/', and a piece takes its length and
// one byte the first time, two bytes again. A tag takes three bytes more than
// its text. It errs on the side of refusing: a policy of many distinct ARNs
// reaches 100 before 2,048 characters, one of few does not.
func packedSize(policy string, tags map[string]string) int {
	seen := map[string]bool{}
	total := 0
	add := func(text string) {
		for text != "" {
			end := strings.IndexAny(text, ":/") + 1
			if end == 0 {
				end = len(text)
			}
			piece := text[:end]
			text = text[end:]
			if seen[piece] {
				total += 2
				continue
			}
			seen[piece] = true
			total += len(piece) + 1
		}
	}
	decoder := jsontext.NewDecoder(strings.NewReader(policy))
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			break
		}
		switch token.Kind() {
		case '{', '[':
			total++
		case '"':
			if word := token.String(); isPolicyWord(word) {
				total++
			} else {
				add(word)
			}
		case '}', ']':
		default:
			add(token.String())
		}
	}
	for key, v := range tags {
		// The order of tags must not matter, so they share no pieces.
		total += 3 + len(key) + 1 + len(v) + 1
	}
	return (total*100 + packedLimit - 1) / packedLimit
}

// isPolicyWord reports whether a word belongs to the policy language itself.
func isPolicyWord(s string) bool {
	switch s {
	case "Version", version2012, "Statement", "Sid", "Effect", "Allow", "Deny", "Action", "NotAction",
		"Resource", "NotResource", "Condition", "*":
		return true
	}
	_, err := parseOperator(s)
	return err == nil
}
