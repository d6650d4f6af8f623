package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A client of either kind is told: one with a session on its GET, one of 2026-07-28 on
// the stream of its subscriptions/listen.
func TestServeTellsItsClientsThatPolicyChangedTheirList(t *testing.T) {
	t.Parallel()
	own := filepath.Join(t.TempDir(), "own.rego")
	policy := func(text string) {
		must(t, os.WriteFile(own, []byte("package ecsmcp.guardrails.mine\n\n"+text), 0o600))
	}
	policy("deny contains \"never\" if input.persona == \"nobody\"\n")
	s := serve(t, "policy: {paths: ["+own+"]}\n")
	told := map[string]chan struct{}{}
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		changed := make(chan struct{}, 10)
		told[version] = changed
		client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
			ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { changed <- struct{}{} }})
		session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: s.url, HTTPClient: &http.Client{Transport: bearer(token("ci"))}},
			&mcp.ClientSessionOptions{ProtocolVersion: version})
		must(t, err)
		defer session.Close()
		if got := session.InitializeResult().ProtocolVersion; got != version {
			t.Fatalf("the session is of version %s, want %s", got, version)
		}
	}
	// Who is not listening yet is not told, and when a client is, it does not say: so
	// policy changes again and again.
	end := time.Now().Add(time.Minute)
	for change := 0; len(told) > 0 && time.Now().Before(end); change++ {
		policy(fmt.Sprintf("deny contains \"never\" if input.persona == \"nobody %d\"\n", change))
		for version, changed := range told {
			select {
			case <-changed:
				delete(told, version)
			case <-time.After(5 * time.Second):
			}
		}
	}
	for version := range told {
		t.Errorf("the client of %s was not told", version)
	}
}
