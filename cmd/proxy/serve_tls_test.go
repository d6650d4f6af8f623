package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authn"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a := &authority{certificate: template}
	made, _ := a.sign(t, template)
	a.key = made.PrivateKey.(*ecdsa.PrivateKey)
	a.certificate = made.Leaf
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]})
	return a
}

// sign returns a certificate, and as PEM: certificate and key.
func (a *authority) sign(t *testing.T, template *x509.Certificate) (tls.Certificate, [2][]byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = time.Now().Add(-time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	by := a.key
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, by)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		[2][]byte{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})}
}

func client(a *authority, t *testing.T, template x509.Certificate) *tls.Certificate {
	t.Helper()
	if template.ExtKeyUsage == nil {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	made, _ := a.sign(t, &template)
	return &made
}

// tlsFiles are those of a server for 127.0.0.1.
type tlsFiles struct {
	dir     string
	ca      *authority // of the server
	clients *authority
}

func newTLSFiles(t *testing.T) *tlsFiles {
	f := &tlsFiles{dir: t.TempDir(), ca: newAuthority(t, "server"), clients: newAuthority(t, "clients")}
	f.renew(t, "first")
	f.trust(t, f.clients.pem)
	return f
}

func (f *tlsFiles) renew(t *testing.T, name string) {
	t.Helper()
	_, files := f.ca.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	must(t, os.WriteFile(filepath.Join(f.dir, "cert.pem"), files[0], 0o600))
	must(t, os.WriteFile(filepath.Join(f.dir, "key.pem"), files[1], 0o600))
}

func (f *tlsFiles) trust(t *testing.T, pem []byte) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(f.dir, "clients.pem"), pem, 0o600))
}

func (f *tlsFiles) listen(more string) string {
	return fmt.Sprintf("  tls: {cert: %q, key: %q, client_ca: %q%s}\n", f.dir+"/cert.pem", f.dir+"/key.pem", f.dir+"/clients.pem", more)
}

// by is a client that shows a certificate; nil shows none.
func (f *tlsFiles) by(t *testing.T, shown *tls.Certificate) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(f.ca.certificate)
	config := &tls.Config{RootCAs: roots}
	if shown != nil {
		// Shown even if the server does not name its authority.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil }
	}
	transport := &http.Transport{TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// greet initializes; the status, 0 if there was no connection.
func (s *served) greet(t *testing.T, by *http.Client, authorization string) (status int, peer *tls.ConnectionState, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.url, strings.NewReader(hello))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	response, err := by.Do(r)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, err.Error()
	}
	return response.StatusCode, response.TLS, string(b)
}

const certified = "  - {match: {kind: certificate, id: \"spiffe://example.org/ci\"}, persona: deployer}\n  - {match: {kind: certificate, id: reader.example.org}, persona: reader}\n"

func spiffe(t *testing.T) x509.Certificate {
	uri, err := url.Parse("spiffe://example.org/ci")
	must(t, err)
	return x509.Certificate{URIs: []*url.URL{uri}, DNSNames: []string{"reader.example.org"}}
}

func TestServeTakesAClientCertificateForThePrincipalItNames(t *testing.T) {
	t.Parallel()
	f := newTLSFiles(t)
	s := serveMore(t, more{principals: certified, listen: f.listen("")})
	ci := f.by(t, client(f.clients, t, spiffe(t)))
	connect := func(by *http.Client) *mcp.ClientSession {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, &mcp.StreamableClientTransport{Endpoint: s.url, HTTPClient: by}, nil)
		must(t, err)
		t.Cleanup(func() { session.Close() })
		return session
	}
	update := map[string]any{"cluster": "staging", "service": "checkout", "desiredCount": 2}
	if text, isError := operate(t, connect(ci), "UpdateService", update); isError {
		t.Errorf("ci updates: %s", text)
	}
	reader := connect(f.by(t, client(f.clients, t, x509.Certificate{DNSNames: []string{"reader.example.org"}})))
	if text, isError := operate(t, reader, "UpdateService", update); !isError {
		t.Errorf("the reader updates: %s", text)
	}
	record, err := os.ReadFile(filepath.Join(s.dir, "audit.jsonl"))
	must(t, err)
	if !strings.Contains(string(record), `"requested_by":"certificate/spiffe://example.org/ci"`) {
		t.Error("the record does not name the URI")
	}

	stranger := newAuthority(t, "clients")
	for name, c := range map[string]struct {
		shown         *tls.Certificate
		authorization string
		want          int
	}{
		"one without a name":       {client(f.clients, t, x509.Certificate{}), "", http.StatusUnauthorized},
		"one without a persona":    {client(f.clients, t, x509.Certificate{DNSNames: []string{"x.example.org"}}), "", http.StatusForbidden},
		"one of another authority": {client(stranger, t, spiffe(t)), "", 0},
		"one that has expired":     {client(f.clients, t, func() x509.Certificate { c := spiffe(t); c.NotAfter = time.Now().Add(-time.Minute); return c }()), "", 0},
		"one for servers": {client(f.clients, t, func() x509.Certificate {
			c := spiffe(t)
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
			return c
		}()), "", 0},
		"none":                            {nil, "", http.StatusUnauthorized},
		"none, but a token":               {nil, "Bearer " + token("ci"), http.StatusOK},
		"a certificate and a token":       {client(f.clients, t, spiffe(t)), "Bearer " + token("ci"), http.StatusBadRequest},
		"a certificate and a wrong token": {client(f.clients, t, spiffe(t)), "Bearer x", http.StatusBadRequest},
	} {
		if status, _, body := s.greet(t, f.by(t, c.shown), c.authorization); status != c.want {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestServeLetsATokenSayWhoUsesACertificate(t *testing.T) {
	t.Parallel()
	f := newTLSFiles(t)
	s := serveMore(t, more{principals: certified, listen: f.listen(", both: token")})
	shown := f.by(t, client(f.clients, t, x509.Certificate{DNSNames: []string{"x.example.org"}}))
	for authorization, want := range map[string]int{"Bearer " + token("ci"): http.StatusOK, "Bearer x": http.StatusUnauthorized, "": http.StatusForbidden} {
		if status, _, body := s.greet(t, shown, authorization); status != want {
			t.Errorf("%q: %d %s", authorization, status, body)
		}
	}
}

func TestServeTakesChangedCertificates(t *testing.T) {
	t.Parallel()
	f := newTLSFiles(t)
	s := serveMore(t, more{principals: certified, listen: f.listen("")})
	old := f.by(t, client(f.clients, t, spiffe(t)))
	if status, peer, body := s.greet(t, old, ""); status != http.StatusOK || peer.PeerCertificates[0].Subject.CommonName != "first" || peer.NegotiatedProtocol == "h2" {
		t.Fatalf("%d %s", status, body)
	}
	await := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %s", what, s.log())
			}
		}
	}
	f.renew(t, "second")
	await("a new connection has the new certificate", func() bool {
		status, peer, _ := s.greet(t, f.by(t, nil), "Bearer "+token("ci"))
		return status == http.StatusOK && peer.PeerCertificates[0].Subject.CommonName == "second"
	})
	// A certificate with the key of another is not taken.
	must(t, os.WriteFile(filepath.Join(f.dir, "key.pem"), []byte("-----BEGIN"), 0o600))
	await("a broken file is told", func() bool {
		status, _, body := s.greet(t, f.by(t, nil), "Bearer "+token("ci"))
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		return strings.Contains(s.log(), "changed TLS files are not taken")
	})
	f.renew(t, "third")
	next := newAuthority(t, "next clients")
	f.trust(t, next.pem)
	await("on the connection that is open, the authority that is gone does not count", func() bool {
		status, _, _ := s.greet(t, old, "")
		return status == http.StatusUnauthorized
	})
	if status, _, body := s.greet(t, f.by(t, client(f.clients, t, spiffe(t))), ""); status != 0 {
		t.Errorf("on a new one: %d %s", status, body)
	}
	if status, _, body := s.greet(t, f.by(t, client(next, t, spiffe(t))), ""); status != http.StatusOK {
		t.Errorf("the new authority's: %d %s", status, body)
	}
}

func TestServeSpeaksNoOldTLS(t *testing.T) {
	t.Parallel()
	f := newTLSFiles(t)
	s := serveMore(t, more{listen: f.listen("")})
	address := strings.TrimSuffix(strings.TrimPrefix(s.url, "https://"), "/mcp")
	connection, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil {
		connection.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func TestHealthIsAskedOverTLS(t *testing.T) {
	t.Parallel()
	f := newTLSFiles(t)
	s := serveMore(t, more{listen: f.listen("")})
	must(t, askHealth(s.url, time.Minute))

	own, err := authn.NewTLS(authn.TLSFiles{Cert: f.dir + "/cert.pem", Key: f.dir + "/key.pem", ClientCA: f.dir + "/clients.pem", Required: true}, nil)
	must(t, err)
	for name, c := range map[string]struct {
		status  int
		config  *tls.Config
		healthy bool
	}{"for certificates alone": {http.StatusOK, own.Config(), true}, "not ready": {http.StatusServiceUnavailable, nil, false}} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status) }))
		url := "http://" + server.Listener.Addr().String()
		if c.config != nil {
			server.Listener = tls.NewListener(server.Listener, c.config)
			url = "https" + strings.TrimPrefix(url, "http")
		}
		server.Start()
		if err := askHealth(url, time.Minute); (err == nil) != c.healthy {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
}
