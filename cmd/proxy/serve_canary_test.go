package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// overhearing keeps all bytes of the requests that a server gets.
type overhearing struct {
	next http.Handler
	mu   sync.Mutex
	seen bytes.Buffer
}

func (r *overhearing) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	all, err := httputil.DumpRequest(request, true)
	if err == nil {
		r.mu.Lock()
		r.seen.Write(all)
		r.mu.Unlock()
	}
	r.next.ServeHTTP(w, request)
}

func (r *overhearing) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen.String()
}

// showing adds what clients send beside a token.
type showing struct{ token string }

func (s showing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Cookie", "session=canary-cookie")
	r.Header.Set("X-Api-Key", "canary-key")
	r.Header.Set("Proxy-Authorization", "Basic canary-proxy")
	return bearer(s.token).RoundTrip(r)
}

// Source: MCP, authorization: token passthrough is forbidden.
func TestWhatAClientShowsGoesNoFurther(t *testing.T) {
	t.Parallel()
	server := mcp.NewServer(&mcp.Implementation{Name: "upstream", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "ecs_resource_management"}, func(context.Context, *mcp.CallToolRequest, map[string]any) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "done"}}}, nil, nil
	})
	upstream := &overhearing{next: mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)}
	web := httptest.NewServer(upstream)
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	i := newIssuer(t)
	s := serveMore(t, more{
		principals: "  - {match: {kind: jwt, id: alice}, persona: reader}\n",
		auth:       fmt.Sprintf(", jwt: {issuer: https://issuer.example, audience: %s, jwks_url: %q}", audience, i.URL),
		upstream:   func(string) string { return fmt.Sprintf("{urls: [{url: %q}]}", web.URL) }, top: "credentials: {delivery: none}\n",
		args: []string{"--log-level", "debug"},
	})
	shown := map[string]string{"good": i.token(t, nil), "file": token("ci"), "for another service": i.token(t, jwt.MapClaims{"aud": "x"}),
		"without a persona": i.token(t, jwt.MapClaims{"sub": "carol"}), "by another's key": newIssuer(t).token(t, nil), "unreadable": "canary.{canary}.canary-canary"}
	var answers strings.Builder
	for _, name := range []string{"good", "file"} {
		session := s.connectBy(t, showing{shown[name]})
		for operation, params := range map[string]map[string]any{"ListClusters": {}, "DeleteCluster": {"cluster": "production"}, "NoSuchOperation": {}} {
			text, _ := operate(t, session, operation, params)
			answers.WriteString(text)
		}
	}
	if !strings.Contains(answers.String(), "done") || !strings.Contains(answers.String(), "Refused") {
		t.Fatalf("the calls did not go both ways: %s", answers.String())
	}
	for name, token := range shown {
		response, body := s.ask(t, hello, "Authorization", "Bearer "+token, "Cookie", "session=canary-cookie")
		answers.WriteString(body + fmt.Sprint(response.Header))
		if taken := response.StatusCode == http.StatusOK; taken != (name == "good" || name == "file") {
			t.Errorf("%s: %s", name, response.Status)
		}
	}
	response, body := s.ask(t, `{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`, "Authorization", "Bearer "+shown["good"])
	answers.WriteString(body + fmt.Sprint(response.Header))
	record, err := os.ReadFile(filepath.Join(s.dir, "audit.jsonl"))
	must(t, err)

	canaries := []string{"canary-cookie", "canary-key", "canary-proxy", "canary.{canary}"}
	for _, token := range shown {
		canaries = append(canaries, token)
		for _, part := range strings.Split(token, ".") {
			if len(part) > 60 { // claims and signatures; headers are alike
				canaries = append(canaries, part[:40])
			}
		}
	}
	for where, text := range map[string]string{"upstream": upstream.text(), "record": string(record), "log": s.log(), "answers": answers.String()} {
		if len(text) < 100 {
			t.Errorf("nothing to look through: %s", where)
		}
		for _, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("%s: has %.30s…", where, canary)
			}
		}
		if where == "upstream" && strings.Contains(strings.ToLower(text), "authorization:") {
			t.Error("the upstream gets an Authorization header")
		}
	}
}

func TestATokenInTheAddressIsNotLookedAt(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	s.url += "?access_token=" + token("ci")
	if response, body := s.ask(t, hello); response.StatusCode != http.StatusUnauthorized || strings.Contains(body, token("ci")) || strings.Contains(s.log(), token("ci")) {
		t.Errorf("%s %s", response.Status, body)
	}
}
