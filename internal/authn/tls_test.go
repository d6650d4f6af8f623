package authn

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestACertificateNamesItsPrincipal(t *testing.T) {
	uri := must(url.Parse("spiffe://example.org/ci"))
	for name, c := range map[string]struct {
		certificate x509.Certificate
		id          string
	}{
		"a URI":                        {x509.Certificate{URIs: []*url.URL{uri}, DNSNames: []string{"ci.example.org"}, Subject: pkix.Name{CommonName: "ci"}}, "spiffe://example.org/ci"},
		"a DNS name":                   {x509.Certificate{DNSNames: []string{"ci.example.org", "x"}, Subject: pkix.Name{CommonName: "ci"}}, "ci.example.org"},
		"a common name":                {x509.Certificate{Subject: pkix.Name{CommonName: "ci"}}, "ci"},
		"nothing":                      {x509.Certificate{}, ""},
		"an e-mail address alone":      {x509.Certificate{EmailAddresses: []string{"ci@example.org"}}, ""},
		"a common name like a URI":     {x509.Certificate{Subject: pkix.Name{CommonName: "spiffe://example.org/ci"}}, ""},
		"a common name of two lines":   {x509.Certificate{Subject: pkix.Name{CommonName: "ci\nroot"}}, ""},
		"an empty DNS name before it":  {x509.Certificate{DNSNames: []string{""}, Subject: pkix.Name{CommonName: "ci"}}, ""},
		"a common name that is no UTF": {x509.Certificate{Subject: pkix.Name{CommonName: "\xff"}}, ""},
	} {
		id, err := CertificateID(&c.certificate)
		if id != c.id || (c.id == "") != errors.Is(err, ErrCertificate) {
			t.Errorf("%s: %q %v", name, id, err)
		}
	}
}

func TestNobodyConnectsWithoutACertificateThatIsRequired(t *testing.T) {
	dir := t.TempDir()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "all"}, DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &ec256().PublicKey, ec256()))
	files := TLSFiles{Cert: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key"), ClientCA: filepath.Join(dir, "cert"), Required: true}
	write(t, files.Cert, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, files.Key, &pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(ec256()))})
	own, err := NewTLS(files, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Listener = tls.NewListener(server.Listener, own.Config())
	server.Start()
	defer server.Close()
	for shown, want := range map[bool]bool{true: true, false: false} {
		config := &tls.Config{InsecureSkipVerify: true}
		if shown {
			config.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: ec256()}}
		}
		transport := &http.Transport{TLSClientConfig: config}
		response, err := (&http.Client{Transport: transport}).Get("https://" + server.Listener.Addr().String())
		if err == nil {
			response.Body.Close()
		}
		transport.CloseIdleConnections()
		if (err == nil) != want {
			t.Errorf("shown %v: %v", shown, err)
		}
	}
	for name, broken := range map[string]TLSFiles{"no key": {Cert: files.Cert, Key: files.Cert}, "no authorities": {Cert: files.Cert, Key: files.Key, ClientCA: files.Key}, "no file": {Cert: files.Cert, Key: files.Key, ClientCA: dir + "/none"}} {
		if _, err := NewTLS(broken, nil); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func write(t *testing.T, file string, block *pem.Block) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
}

// FuzzCertificateID: whatever a certificate says, an id is a name that can be seen.
func FuzzCertificateID(f *testing.F) {
	uri := must(url.Parse("spiffe://example.org/ci"))
	for _, template := range []*x509.Certificate{{URIs: []*url.URL{uri}}, {DNSNames: []string{"ci"}}, {Subject: pkix.Name{CommonName: "ci\x00"}}} {
		template.SerialNumber = big.NewInt(1)
		f.Add(must(x509.CreateCertificate(rand.Reader, template, template, &ec256().PublicKey, ec256())))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		if id, err := CertificateID(c); (err == nil) != (id != "") || !visible(id) {
			t.Errorf("%q %v", id, err)
		}
	})
}
