package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/rogpeppe/go-internal/testscript"
)

// packBundle FILE DIR [KEY] makes a bundle of a directory as opa build does, and
// signs it with a key made anew, whose public half goes to KEY.
func packBundle(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: bundle FILE DIR [KEY]")
	}
	b, err := bundle.NewCustomReader(bundle.NewDirectoryLoader(ts.MkAbs(args[1]))).WithRegoVersion(ast.RegoV1).Read()
	ts.Check(err)
	if len(args) == 3 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
		private, err := x509.MarshalPKCS8PrivateKey(key)
		ts.Check(err)
		public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		ts.Check(err)
		ts.Check(b.GenerateSignature(bundle.NewSigningConfig(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), "ES256", ""), "release", false))
		ts.Check(os.WriteFile(ts.MkAbs(args[2]), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o644))
	}
	var out bytes.Buffer
	ts.Check(bundle.NewWriter(&out).Write(b))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o644))
}

// serveFiles DIR serves a directory for one script, at $FILES_URL.
func serveFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: files DIR")
	}
	server := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs(args[0]))))
	ts.Defer(server.Close)
	ts.Setenv("FILES_URL", server.URL)
}
