package mcp

import (
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// treatment is what happens to a method. The zero value refuses.
type treatment int

const (
	refuse  treatment = iota
	relay             // forwarded as it is, at once
	calm              // forwarded as it is, when no credentials are lent on lane 0
	filter            // likewise; the answer is filtered by policy
	decide            // forwarded only if policy allows
	handled           // acted upon here, and relayed where it belongs to a forwarded request
)

// clientMethods is every method a client may send: requests and notifications of
// MCP 2024-11-05 to 2026-07-28. A method that is not here is refused.
//
// What makes the server's own code run waits while a call's credentials are
// lent on the same server: nothing else may happen with them.
//
// tasks/* stay out: a task handle would let a follow-up act after its call was
// judged, when nothing bounds it any more.
var clientMethods = map[string]treatment{
	"initialize":                       relay,
	"ping":                             relay,
	"server/discover":                  relay,
	"completion/complete":              calm,
	"logging/setLevel":                 relay,
	"prompts/list":                     calm,
	"resources/list":                   calm,
	"resources/templates/list":         calm,
	"resources/unsubscribe":            calm,
	methodListen:                       calm, // but for resources, which are decided: subscribe.go
	"notifications/initialized":        relay,
	"notifications/progress":           relay,
	"notifications/roots/list_changed": relay,

	"tools/list": filter,

	"tools/call":          decide,
	"prompts/get":         decide,
	"resources/read":      decide,
	"resources/subscribe": decide,

	"notifications/cancelled": handled,
}

// serverMethods is every request a server may send. Its notifications are all
// relayed: they ask nothing of anyone.
var serverMethods = map[string]treatment{
	"ping":                   relay,
	"roots/list":             relay,
	"sampling/createMessage": relay,
	"elicitation/create":     relay,
}

// treatmentOf looks a client's message up. A request under a notification's
// name, or the other way round, is in no table.
func treatmentOf(m *wire.Message) treatment {
	if (m.Kind == wire.Notification) != strings.HasPrefix(m.Method, "notifications/") {
		return refuse
	}
	return clientMethods[m.Method]
}
