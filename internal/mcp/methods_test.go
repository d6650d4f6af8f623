package mcp

import "testing"

// Every method of the protocol is in the table on purpose; what is not there
// is refused. Source: MCP schemas 2024-11-05 to 2026-07-28.
func TestEveryMethodHasItsTreatment(t *testing.T) {
	tests := []struct {
		method string
		want   treatment
	}{
		{"initialize", relay}, {"ping", relay}, {"server/discover", relay}, {"tools/list", filter}, {"tools/call", decide},
		{"prompts/list", calm}, {"prompts/get", decide}, {"resources/list", calm}, {"resources/templates/list", calm},
		{"resources/read", decide}, {"resources/subscribe", decide}, {"resources/unsubscribe", calm}, {"subscriptions/listen", calm},
		{"completion/complete", calm}, {"logging/setLevel", relay},
		{"notifications/initialized", relay}, {"notifications/progress", relay}, {"notifications/roots/list_changed", relay}, {"notifications/cancelled", handled},
		{"tasks/get", follow}, {"tasks/list", filter}, {"tasks/result", follow}, {"tasks/cancel", follow}, {"tasks/update", follow},
		{"notifications/tasks/status", refuse}, {"notifications/tasks", refuse}, {"sampling/createMessage", refuse}, {"elicitation/create", refuse}, {"roots/list", refuse},
		{"Tools/Call", refuse}, {"tools/call ", refuse}, {"", refuse},
	}
	for _, tt := range tests {
		if got := clientMethods[tt.method]; got != tt.want {
			t.Errorf("%q: treatment %d, want %d", tt.method, got, tt.want)
		}
	}
	if serverMethods["tools/call"] != refuse || serverMethods[""] != refuse {
		t.Error("a server may call what is not in its table")
	}
}
