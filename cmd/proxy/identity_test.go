package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

// FuzzAuthorization: whatever the header says, only a known token lets in, and no
// answer repeats it.
func FuzzAuthorization(f *testing.F) {
	file := filepath.Join(f.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token("ci")), 0o600); err != nil {
		f.Fatal(err)
	}
	keys := filepath.Join(filepath.Dir(file), "keys")
	if err := os.WriteFile(keys, []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`), 0o600); err != nil {
		f.Fatal(err)
	}
	var cfg config.Config
	cfg.Listen.Auth = config.Auth{Tokens: []config.Token{{ID: "ci", File: file}},
		JWT: &config.JWT{Issuer: "https://issuer.example", Audience: audience, Resource: audience, JWKSFile: keys, Algorithms: config.JWTAlgorithms, Claims: config.Claims{ID: "sub"}}}
	cfg.Principals = []config.Principal{{Match: config.Match{Kind: config.KindToken}, Persona: "p"}, {Match: config.Match{Kind: config.KindJWT}, Persona: "p"}}
	i, err := newIdentity(f.Context(), &cfg, zap.NewNop())
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "Bearer", "Bearer " + token("ci"), "bearer   " + token("ci"), "Bearer " + token("ci") + " ", "Basic " + token("ci"),
		"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.", "Bearer eyJhbGciOiJFZERTQSIsImtpZCI6ImEifQ.e30.AAAA", "Bearer \xff\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		principal, refused := i.of(&http.Request{Header: http.Header{"Authorization": {header}}})
		known := strings.EqualFold(header[:min(len(header), 7)], "Bearer ") && strings.TrimLeft(header[min(len(header), 7):], " ") == token("ci")
		if (refused == nil) != known || known && (principal.Kind != config.KindToken || principal.ID != "ci") {
			t.Errorf("%q is %v %+v", header, principal, refused)
		}
		if refused == nil {
			return
		}
		if refused.Status != http.StatusUnauthorized || len(header) > 20 && strings.Contains(refused.Why+refused.Header.Get("Www-Authenticate"), header) {
			t.Errorf("%q is answered %+v", header, refused)
		}
	})
}
