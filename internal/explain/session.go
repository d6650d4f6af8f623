package explain

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

// session says what would be lent in a situation, and what AWS makes of it.
func session(j judged) *Session {
	s := &Session{Limit: grant.MaxPolicy}
	switch {
	case !j.preview.Decision.Allow:
		s.None = "a refused call is lent nothing"
		return s
	case errors.Is(j.lend, grant.ErrNothingGrantable):
		s.None = "the call needs no access to AWS, so it is lent nothing"
		return s
	case j.lend != nil:
		_, s.None = mcp.Class(j.lend)
		return s
	}
	s.Policy, s.Size = json.RawMessage(j.policy), len(j.policy)
	for _, item := range j.preview.Order.Items {
		s.weigh(item)
	}
	if n := len(j.preview.Order.Denies); n > 0 {
		s.Checks = append(s.Checks, "what guardrails deny by a resource's tags is repeated as Deny statements, so AWS refuses it as well")
	}
	slices.Sort(s.Checks)
	slices.Sort(s.Unchecked)
	s.Checks, s.Unchecked = slices.Compact(s.Checks), slices.Compact(s.Unchecked)
	return s
}

// weigh says of one item what AWS checks at its use, and what it cannot.
func (s *Session) weigh(item grant.Item) {
	a := item.Access
	if a.IsMCP() {
		return
	}
	check := func(format string, args ...any) { s.Checks = append(s.Checks, fmt.Sprintf(format, args...)) }
	cannot := func(format string, args ...any) { s.Unchecked = append(s.Unchecked, fmt.Sprintf(format, args...)) }
	for _, pin := range item.Pins {
		state := "is " + pin.Value
		if pin.Absent {
			state = "is absent"
		}
		switch {
		case a.Taggable && !a.Creates && !authz.IsOwnKey(pin.Key):
			check("%s: that %s still %s", a.Action, pin.Key, state)
		default:
			cannot("%s: AWS cannot compare the tag %s, so a tag that changes meanwhile goes unnoticed", a.Action, pin.Key)
		}
	}
	switch {
	case a.Action == "iam:PassRole" && strings.ContainsAny(a.Resource, "*?"):
		cannot("iam:PassRole: which role that is, is not in the call and was not looked up, so any of %s could be passed, to %s only", a.Object(), passedTo(a))
	case a.Action == "iam:PassRole":
		check("iam:PassRole: only %s, and only to %s", a.Object(), passedTo(a))
	case a.Unscopable:
		cannot("%s cannot be limited to a resource: the session may do it to every one of the account and region%s", a.Action, narrowed(a))
	case a.Resource == "*" || strings.ContainsAny(a.Resource, "*?"):
		cannot("%s is granted for all of %s", a.Action, a.Resource)
	}
	if a.Unverified {
		cannot("%s is believed to be needed and was never seen to be; if AWS asks for something else, it refuses", a.Action)
	}
}

func passedTo(a authz.Access) string {
	values, _ := seen(a, "iam:PassedToService")
	return strings.Join(values, ", ")
}

func narrowed(a authz.Access) string {
	for _, key := range []string{"ecs:cluster", "ecs:namespace", "ecs:account-setting"} {
		if values, ok := seen(a, key); ok {
			return ", as far as " + key + " is " + strings.Join(values, ", ")
		}
	}
	return ""
}
