package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// issuer is an authorization server, as far as a resource server sees it.
type issuer struct {
	*httptest.Server
	mu   sync.Mutex
	id   string
	key  *ecdsa.PrivateKey
	keys []jwk.Key
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": i.keys})
	}))
	t.Cleanup(i.Close)
	i.rotate(t)
	return i
}

// rotate signs with a new key from now on, and publishes that one alone.
func (i *issuer) rotate(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	public, err := jwk.Import(&key.PublicKey)
	must(t, err)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.id, i.key = rand.Text(), key
	must(t, public.Set("kid", i.id))
	i.keys = []jwk.Key{public}
}

const audience = "https://mcp.example/tools/mcp"

// token is one of alice, of the team web, with other claims if there are any.
func (i *issuer) token(t *testing.T, other jwt.MapClaims) string {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	claims := jwt.MapClaims{"iss": "https://issuer.example", "aud": []string{audience, "https://other.example"}, "sub": "alice", "department": "web",
		"exp": time.Now().Add(10 * time.Minute).Unix(), "jti": "canary-" + rand.Text()}
	maps.Copy(claims, other)
	made := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	made.Header["kid"] = i.id
	text, err := made.SignedString(i.key)
	must(t, err)
	return text
}

// serveJWT lets alice deploy, and everybody else of the issuer's read.
func serveJWT(t *testing.T, i *issuer) *served {
	return serveMore(t, more{
		personas:   "  web: {identity: [deployment], boundary: [region-and-production], role: ROLE, session_tags: {pass: [team]}}\n",
		principals: "  - {match: {kind: jwt, id: alice}, persona: web}\n  - {match: {kind: jwt, id: bob}, persona: reader}\n",
		auth:       fmt.Sprintf(", jwt: {issuer: https://issuer.example, audience: %s, jwks_url: %q, tags: {team: department}}", audience, i.URL),
	})
}

// changing shows whatever token it has at the time.
type changing struct {
	mu    sync.Mutex
	token string
}

func (c *changing) set(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = token
}

func (c *changing) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bearer(c.token).RoundTrip(r)
}

const hello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`

// ask sends one message, with headers in pairs.
func (s *served) ask(t *testing.T, message string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.url, strings.NewReader(message))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return response, string(body)
}

// status sends one message from any goroutine; 0 if there was no answer.
func (s *served) status(message, authorization string) int {
	r, err := http.NewRequest("POST", s.url, strings.NewReader(message))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", authorization)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

func TestServeTakesAJWTForThePrincipalItNames(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	s := serveJWT(t, i)
	shown := &changing{token: i.token(t, nil)}
	alice := s.connectBy(t, shown)
	bob := s.connectBy(t, bearer(i.token(t, jwt.MapClaims{"sub": "bob"})))
	update := map[string]any{"cluster": "staging", "service": "checkout", "desiredCount": 2}
	if text, isError := operate(t, alice, "UpdateService", update); isError {
		t.Errorf("alice updates: %s", text)
	}
	if text, isError := operate(t, bob, "UpdateService", update); !isError || !strings.Contains(text, "Refused by ecs-mcp-proxy") {
		t.Errorf("bob updates: %s", text)
	}
	sessions := s.aws.Sessions()
	if last := sessions[len(sessions)-1]; last.Tags["team"] != "web" || !strings.HasPrefix(last.SourceIdentity, "alice-") {
		t.Errorf("AWS saw %s with %v", last.SourceIdentity, last.Tags)
	}

	// A token by a new key counts, and its tags are those of its calls.
	i.rotate(t)
	shown.set(i.token(t, jwt.MapClaims{"department": "sales"}))
	if text, isError := operate(t, alice, "UpdateService", update); isError {
		t.Errorf("with a token by the new key: %s", text)
	}
	sessions = s.aws.Sessions()
	if last := sessions[len(sessions)-1]; last.Tags["team"] != "sales" {
		t.Errorf("AWS saw %v", last.Tags)
	}
	record, err := os.ReadFile(filepath.Join(s.dir, "audit.jsonl"))
	must(t, err)
	if !strings.Contains(string(record), `"requested_by":"jwt/alice"`) {
		t.Error("the record does not name alice")
	}
}

func TestARenewedJWTContinuesTheSessionAndNobodyElses(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	s := serveJWT(t, i)
	response, body := s.ask(t, hello, "Authorization", "Bearer "+i.token(t, nil))
	session := response.Header.Get("Mcp-Session-Id")
	if session == "" {
		t.Fatalf("%s %s", response.Status, body)
	}
	i.rotate(t)
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"renewed":         {i.token(t, nil), http.StatusOK},
		"another's":       {i.token(t, jwt.MapClaims{"sub": "bob"}), http.StatusNotFound},
		"with other tags": {i.token(t, jwt.MapClaims{"department": "sales"}), http.StatusNotFound},
		"of a file":       {token("ci"), http.StatusNotFound},
		"expired":         {i.token(t, jwt.MapClaims{"exp": time.Now().Add(-time.Hour).Unix()}), http.StatusUnauthorized},
	} {
		response, body := s.ask(t, `{"jsonrpc":"2.0","id":9,"method":"ping"}`, "Authorization", "Bearer "+c.token, "Mcp-Session-Id", session)
		if response.StatusCode != c.want {
			t.Errorf("%s: %s %s", name, response.Status, body)
		}
	}
}

func TestServeRefusesAJWTThatIsNotForIt(t *testing.T) {
	t.Parallel()
	i, other := newIssuer(t), newIssuer(t)
	s := serveJWT(t, i)
	for name, token := range map[string]string{
		"for another service": i.token(t, jwt.MapClaims{"aud": "https://other.example"}),
		"of another issuer":   i.token(t, jwt.MapClaims{"iss": "https://mallory.example"}),
		"expired":             i.token(t, jwt.MapClaims{"exp": time.Now().Add(-time.Hour).Unix()}),
		"without an end":      i.token(t, jwt.MapClaims{"exp": nil}),
		"by another's key":    other.token(t, nil),
		"unsigned":            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
		"no token at all":     "x",
	} {
		response, body := s.ask(t, hello, "Authorization", "Bearer "+token)
		if response.StatusCode != http.StatusUnauthorized || !strings.Contains(response.Header.Get("Www-Authenticate"), `error="invalid_token"`) || len(token) > 9 && strings.Contains(body, token) {
			t.Errorf("%s: %s %q %s", name, response.Status, response.Header.Get("Www-Authenticate"), body)
		}
	}
	for _, header := range []string{"Bearer", "Bearer ", "Basic " + i.token(t, nil), i.token(t, nil), "Bearer " + i.token(t, nil) + " x", "Bearer " + i.token(t, nil) + ", Bearer x"} {
		if response, body := s.ask(t, hello, "Authorization", header); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%.10q: %s %s", header, response.Status, body)
		}
	}
	if response, body := s.ask(t, hello, "Authorization", "Bearer "+i.token(t, nil), "Authorization", "Bearer "+i.token(t, nil)); response.StatusCode != http.StatusBadRequest {
		t.Errorf("two headers: %s %s", response.Status, body)
	}
	if response, body := s.ask(t, hello, "Authorization", "Bearer "+i.token(t, jwt.MapClaims{"sub": "carol"})); response.StatusCode != http.StatusForbidden {
		t.Errorf("one without a persona: %s %s", response.Status, body)
	}
}

func TestServeSaysThatTheIssuerIsAway(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	token := i.token(t, nil)
	i.Close()
	s := serveJWT(t, i)
	if response, body := s.ask(t, hello, "Authorization", "Bearer "+token); response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("%s %s", response.Status, body)
	}
}

func TestServeSaysWhereTokensComeFrom(t *testing.T) {
	t.Parallel()
	s := serveJWT(t, newIssuer(t))
	response, _ := s.ask(t, hello)
	if got, want := response.Header.Get("Www-Authenticate"), `Bearer resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/tools/mcp"`; got != want {
		t.Errorf("without a token: %s", got)
	}
	challenges, err := oauthex.ParseWWWAuthenticate(response.Header.Values("Www-Authenticate"))
	if err != nil || len(challenges) != 1 || challenges[0].Params["resource_metadata"] == "" {
		t.Errorf("a client reads %v: %v", challenges, err)
	}
	response, _ = s.ask(t, hello, "Authorization", "Bearer x")
	if got := response.Header.Get("Www-Authenticate"); !strings.HasSuffix(got, `/tools/mcp", error="invalid_token"`) {
		t.Errorf("with a wrong one: %s", got)
	}
	for _, path := range []string{"", "/tools/mcp", "/mcp"} {
		response, err := http.Get(strings.TrimSuffix(s.url, "/mcp") + "/.well-known/oauth-protected-resource" + path)
		must(t, err)
		var got oauthex.ProtectedResourceMetadata
		must(t, json.NewDecoder(response.Body).Decode(&got))
		response.Body.Close()
		if response.StatusCode != http.StatusOK || got.Resource != audience || len(got.AuthorizationServers) != 1 || got.AuthorizationServers[0] != "https://issuer.example" {
			t.Errorf("%s: %s %+v", path, response.Status, got)
		}
	}
	if response, body := s.ask(t, hello, "Authorization", "Bearer "+token("ci")); response.StatusCode != http.StatusOK {
		t.Errorf("a token of a file beside it: %s %s", response.Status, body)
	}
}

func TestServeWithoutJWTHasNoMetadata(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	response, err := http.Get(strings.TrimSuffix(s.url, "/mcp") + "/.well-known/oauth-protected-resource")
	must(t, err)
	response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Error(response.Status)
	}
	if response, _ := s.ask(t, hello); response.Header.Get("Www-Authenticate") != "Bearer" {
		t.Error(response.Header)
	}
}
