package main

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

// said is what doctor prints of a finding.
func said(f finding) string {
	var b strings.Builder
	(&doctor{out: &b}).say("it", f)
	return b.String()
}

// Each failure is followed by one thing to do, and by one only.
func expectSaid(t *testing.T, f finding, want string) {
	t.Helper()
	text := said(f)
	if !strings.Contains(text, want) {
		t.Errorf("want %q in %q", want, text)
	}
	if failed := strings.HasPrefix(text, "✗"); failed && strings.Count(text, arrow) != 1 || !failed && strings.Contains(text, arrow) {
		t.Errorf("not one thing to do: %q", text)
	}
}

func TestDoctorLooksAtTLSFiles(t *testing.T) {
	t.Parallel()
	f := newTLSFiles(t)
	file := func(name string) string { return filepath.Join(f.dir, name) }
	cfg := func(hosts ...string) *config.Config {
		return &config.Config{Listen: config.Listen{Hosts: hosts, TLS: &config.TLS{Cert: file("cert.pem"), Key: file("key.pem")}}}
	}
	put := func(template x509.Certificate) {
		template.IPAddresses, template.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"proxy.example.com"}
		_, pem := f.ca.sign(t, &template)
		must(t, os.WriteFile(file("cert.pem"), pem[0], 0o600))
		must(t, os.WriteFile(file("key.pem"), pem[1], 0o600))
	}
	put(x509.Certificate{NotAfter: time.Now().Add(100 * 24 * time.Hour)})
	expectSaid(t, checkTLS(cfg("proxy.example.com")), "✓ it: the certificate is good until 2")
	expectSaid(t, checkTLS(cfg("proxy.example.com", "other.example.com")), "! it: the certificate is not for other.example.com of listen.hosts")
	put(x509.Certificate{NotAfter: time.Now().Add(50 * time.Hour)})
	expectSaid(t, checkTLS(cfg()), "! it: the certificate ends in 50h0m0s; renew")
	put(x509.Certificate{NotAfter: time.Now().Add(-time.Minute)})
	expectSaid(t, checkTLS(cfg()), "✗ it: the certificate ended at")
	must(t, os.WriteFile(file("key.pem"), []byte("no key"), 0o600))
	expectSaid(t, checkTLS(cfg()), "✗ it: ")
	must(t, os.Remove(file("cert.pem")))
	expectSaid(t, checkTLS(cfg()), "cert.pem: no such file")
}

func TestDoctorFetchesTheIssuersKeys(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	cfg := &config.Config{Listen: config.Listen{Auth: config.Auth{JWT: &config.JWT{Issuer: "https://issuer.example.com", JWKSURL: issuer.URL}}}}
	expectSaid(t, checkKeys(t.Context(), cfg), "✓ it: the keys of https://issuer.example.com are at http://127.0.0.1:")
	away := httptest.NewServer(http.NotFoundHandler())
	cfg.Listen.Auth.JWT.JWKSURL = away.URL
	expectSaid(t, checkKeys(t.Context(), cfg), "answered 404 Not Found")
	away.Close()
	expectSaid(t, checkKeys(t.Context(), cfg), "→ see whether this machine reaches it")
	cfg.Listen.Auth.JWT.JWKSFile = filepath.Join(t.TempDir(), "keys.json")
	expectSaid(t, checkKeys(t.Context(), cfg), "→ put a JWK Set there")
}

func TestDoctorLooksAtAddressesAndTokens(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{Admin: config.Admin{Address: "127.0.0.1:0"}, Listen: config.Listen{Address: "127.0.0.1:0", Path: "/mcp"}}
	expectSaid(t, checkAdmin(cfg), "✓ it: 127.0.0.1:0 is free")
	expectSaid(t, checkListen(cfg), "✓ it: 127.0.0.1:0 is free")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	go func() {
		for {
			connection, err := taken.Accept()
			if err != nil {
				return
			}
			connection.Close()
		}
	}()
	defer taken.Close()
	cfg.Admin.Address, cfg.Listen.Address = taken.Addr().String(), taken.Addr().String()
	expectSaid(t, checkAdmin(cfg), "→ name another admin.address")
	expectSaid(t, checkListen(cfg), "→ name another listen.address")
	running := serve(t, withAdmin)
	cfg.Admin.Address = running.admin(t)
	cfg.Listen.Address = strings.TrimSuffix(strings.TrimPrefix(running.url, "http://"), "/mcp")
	expectSaid(t, checkAdmin(cfg), "✓ it: a proxy answers at")
	expectSaid(t, checkListen(cfg), "! it: something answers at")

	file := filepath.Join(t.TempDir(), "token")
	cfg.Listen.Auth.Tokens = []config.Token{{ID: "ci", File: file}}
	expectSaid(t, checkTokens(cfg), "✗ it: ")
	must(t, os.WriteFile(file, []byte(token("ci")), 0o600))
	expectSaid(t, checkTokens(cfg), "✓ it: 1 can be read")
	must(t, os.Chmod(file, 0o644))
	expectSaid(t, checkTokens(cfg), "! it: "+file+" has mode 0644")
}

func TestDoctorSaysWhoTheCallersAre(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{Listen: config.Listen{Auth: config.Auth{JWT: &config.JWT{}}}}
	cfg.Personas = map[string]config.Persona{"deployer": {Role: "arn:aws:iam::123456789012:role/mcp"}, "reader": {Role: "arn:aws:iam::123456789012:role/mcp"}}
	expectSaid(t, checkCallers(cfg), "✓ it: who they are is known when they come")
	cfg.Listen.Auth = config.Auth{Tokens: []config.Token{{ID: "ci"}}, Anonymous: "guest"}
	cfg.Principals = []config.Principal{{Match: config.Match{Kind: "os-user"}, Persona: "reader"}}
	expectSaid(t, checkCallers(cfg), `✗ it: invalid configuration: token "ci" matches no entry of principals, so nothing would be allowed`+arrow+"add - {match: {kind: token, id: ci}")
	cfg.Principals = append(cfg.Principals, config.Principal{Match: config.Match{Kind: "token"}, Persona: "deployer"}, config.Principal{Match: config.Match{Kind: "anonymous"}, Persona: "reader"})
	expectSaid(t, checkCallers(cfg), "✓ it: token/ci is persona deployer, anonymous/guest is persona reader")
}

func TestDoctorLooksAtTheKeyOfConsents(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{Confirm: config.Confirm{KeyFile: filepath.Join(t.TempDir(), "key")}}
	expectSaid(t, checkConfirmKey(cfg), "✗ it: confirm.key_file: ")
	must(t, os.WriteFile(cfg.Confirm.KeyFile, []byte(token("key")), 0o640))
	expectSaid(t, checkConfirmKey(cfg), "✓ it: "+cfg.Confirm.KeyFile+" can be read")
	must(t, os.Chmod(cfg.Confirm.KeyFile, 0o644))
	expectSaid(t, checkConfirmKey(cfg), "! it: "+cfg.Confirm.KeyFile+" has mode 0644, so every user of this machine may have it")
}
