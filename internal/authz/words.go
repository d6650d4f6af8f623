package authz

import (
	"strings"
	"unicode"
)

// Words says what an access does: the action's name in words and what it is
// done to, as "delete service service/shop/checkout".
func (a Access) Words() string {
	if a.Action == "iam:PassRole" && a.Unsettled() {
		a.Resource = "*"
		return "pass the roles in " + a.Object() + ", which were not looked up"
	}
	_, action, _ := strings.Cut(a.Action, ":")
	return strings.TrimSpace(spaced(action) + " " + a.Object())
}

// Object is what an access is about, without what every ARN of the call has.
func (a Access) Object() string {
	arn := a.Resource
	if arn == "*" && a.Subject != "" {
		arn = a.Subject
	}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return ""
	}
	return parts[5]
}

// spaced writes DescribeTaskDefinition as "describe task definition" and
// ListVPCs as "list VPCs".
func spaced(name string) string {
	var out []string
	runes := []rune(name)
	start := 0
	for i := 1; i <= len(runes); i++ {
		if i < len(runes) && (!unicode.IsUpper(runes[i]) || unicode.IsUpper(runes[i-1])) {
			continue
		}
		word := string(runes[start:i])
		if len(word) < 2 || !unicode.IsUpper([]rune(word)[1]) {
			word = strings.ToLower(word)
		}
		out, start = append(out, word), i
	}
	return strings.Join(out, " ")
}
