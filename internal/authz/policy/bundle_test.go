package policy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
)

// signer signs bundles, and knows the key that verifies them.
type signer struct{ private, public string }

func newSigner(t testing.TB) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer{private: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), public: publicPEM(t, &key.PublicKey)}
}

func publicPEM(t testing.TB, key any) string {
	t.Helper()
	b, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b}))
}

func (s signer) key(t testing.TB, id string) *Key {
	t.Helper()
	key, err := ReadKey(id, "ES256", []byte(s.public))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// build makes a bundle as opa build does; change may alter it before it is
// signed, and a nil signer leaves it unsigned.
func build(t testing.TB, module string, s *signer, change func(*bundle.Bundle)) []byte {
	t.Helper()
	parsed, err := ast.ParseModuleWithOpts("mine.rego", module, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		t.Fatal(err)
	}
	b := bundle.Bundle{Manifest: bundle.Manifest{Revision: "r1", Roots: &[]string{""}}, Data: map[string]any{"team": map[string]any{"limit": 3}},
		Modules: []bundle.ModuleFile{{URL: "/mine.rego", Path: "/mine.rego", Raw: []byte(module), Parsed: parsed}}}
	if change != nil {
		change(&b)
	}
	if s != nil {
		if err := b.GenerateSignature(bundle.NewSigningConfig(s.private, "ES256", ""), "release", false); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := bundle.NewWriter(&out).DisableFormat(true).Write(b); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// repack unpacks a bundle, lets change have its files, and packs them again.
func repack(t testing.TB, b []byte, change func(files []file) []file) []byte {
	t.Helper()
	files, err := readArchive(b)
	if err != nil {
		t.Fatal(err)
	}
	var headers []tar.Header
	var contents [][]byte
	for _, f := range change(files) {
		headers = append(headers, tar.Header{Name: f.path, Typeflag: tar.TypeReg, Mode: 0o644})
		contents = append(contents, f.bytes)
	}
	return packed(t, headers, contents)
}

func packed(t testing.TB, headers []tar.Header, contents [][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	tarball := tar.NewWriter(zipped)
	for i, h := range headers {
		h.Size = int64(len(contents[i]))
		if err := tarball.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := tarball.Write(contents[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tarball.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestABundleDecides(t *testing.T) {
	s := newSigner(t)
	module := inMine + "deny contains \"too many\" if count(input.accesses) < data.team.limit\n"
	for name, tt := range map[string]struct {
		b   []byte
		key *Key
	}{
		"unsigned": {build(t, module, nil, nil), nil},
		"signed":   {build(t, module, &s, nil), s.key(t, "release")},
		"with roots of its own": {build(t, module, &s, func(b *bundle.Bundle) {
			b.Manifest.Roots = &[]string{"ecsmcp/guardrails/mine", "team"}
		}), s.key(t, "release")},
		"packed anew":             {repack(t, build(t, module, &s, nil), func(files []file) []file { return files }), s.key(t, "release")},
		"signed under another id": {build(t, module, &s, nil), s.key(t, "the only key there is")},
	} {
		t.Run(name, func(t *testing.T) {
			source, err := ReadBundle("bundle.tar.gz", tt.b, tt.key)
			if err != nil {
				t.Fatal(err)
			}
			e, err := New(t.Context(), map[string]Persona{"all": {Identity: []Document{read(t, "all", allowAll)}}}, source)
			if err != nil {
				t.Fatal(err)
			}
			d, err := e.Decide(t.Context(), request("all", deleteService(in("us-east-1"))))
			if err != nil || d.Allow || len(d.Denies) != 1 || d.Denies[0].Message != "too many" || source.Revision != "r1" {
				t.Errorf("got %+v, %v, revision %q", d, err, source.Revision)
			}
		})
	}
}

func TestABundleIsRefused(t *testing.T) {
	s, other := newSigner(t), newSigner(t)
	key := s.key(t, "release")
	signed := build(t, noDelete, &s, nil)
	set := func(path, text string) func([]file) []file {
		return func(files []file) []file {
			i := slices.IndexFunc(files, func(f file) bool { return f.path == path })
			if i < 0 {
				return append(files, file{path: path, bytes: []byte(text)})
			}
			files[i].bytes = []byte(text)
			return files
		}
	}
	without := func(path string) func([]file) []file {
		return func(files []file) []file {
			return slices.DeleteFunc(files, func(f file) bool { return f.path == path })
		}
	}
	tests := map[string]struct {
		b    []byte
		key  *Key
		want string
	}{
		"unsigned, with a key":               {build(t, noDelete, nil, nil), key, "it is not signed, and policy.bundle.key is configured"},
		"signed, without a key":              {signed, nil, "it is signed: configure policy.bundle.key"},
		"signed with another key":            {build(t, noDelete, &other, nil), key, "it is signed with another key"},
		"with its signature removed":         {repack(t, signed, without(".signatures.json")), key, "it is not signed"},
		"with an empty signature":            {repack(t, signed, set(".signatures.json", `{"signatures": []}`)), key, "not signed"},
		"with the signature null":            {repack(t, signed, set(".signatures.json", `null`)), key, "not signed"},
		"with two signatures":                {repack(t, signed, set("x/.signatures.json", `{"signatures": []}`)), key, "multiple signatures files"},
		"with a signature by algorithm none": {repack(t, signed, set(".signatures.json", `{"signatures": ["eyJhbGciOiJub25lIn0.eyJmaWxlcyI6W119."]}`)), key, "another key"},
		"with a verifier of its own":         {repack(t, signed, set(".signatures.json", `{"signatures": ["a.b.c"], "plugin": "x"}`)), key, "no verifier exists"},
		"with a module changed":              {repack(t, signed, set("mine.rego", "package ecsmcp.guardrails.mine\n\ndeny contains 1 if false\n")), key, "somebody changed a file"},
		"with data changed":                  {repack(t, signed, set("data.json", `{"team": {"limit": 0}}`)), key, "somebody changed a file"},
		"with its manifest changed":          {repack(t, signed, set(".manifest", `{"revision": "r2", "roots": [""]}`)), key, "somebody changed a file"},
		"with a module added":                {repack(t, signed, set("more.rego", "package more\n")), key, "somebody added a file"},
		"with a module removed":              {repack(t, signed, without("mine.rego")), key, "somebody removed a file"},
		"with its manifest removed":          {repack(t, signed, without(".manifest")), key, "somebody removed a file"},
		"with compiled policy": {build(t, noDelete, nil, func(b *bundle.Bundle) {
			b.WasmModules = []bundle.WasmModuleFile{{URL: "/policy.wasm", Path: "/policy.wasm", Raw: []byte("x")}}
		}), nil, "compiled policy"},
		"as a delta": {repack(t, build(t, noDelete, nil, nil), func([]file) []file {
			return []file{{path: "patch.json", bytes: []byte(`{"data": [{"op": "upsert", "path": "/team", "value": 1}]}`)}}
		}), nil, "delta bundle"},
		"as a delta, with a key": {repack(t, signed, func([]file) []file {
			return []file{{path: "patch.json", bytes: []byte(`{"data": [{"op": "upsert", "path": "/team", "value": 1}]}`)}}
		}), key, "delta bundles do not support"},
		"of old Rego":                           {repack(t, build(t, noDelete, nil, nil), set(".manifest", `{"rego_version": 0}`)), nil, "Rego version 0"},
		"of old Rego in part":                   {repack(t, build(t, noDelete, nil, nil), set(".manifest", `{"rego_version": 1, "file_rego_versions": {"/x.rego": 0}}`)), nil, "Rego version 0"},
		"with the root of the proxy":            {build(t, noDelete, nil, func(b *bundle.Bundle) { b.Manifest.Roots = &[]string{"ecsmcp", "team"} }), nil, "the root ecsmcp, which is the proxy's own"},
		"with the root of the decision":         {build(t, noDelete, nil, func(b *bundle.Bundle) { b.Manifest.Roots = &[]string{"ecsmcp/authz", "ecsmcp/guardrails", "team"} }), nil, "the root ecsmcp/authz"},
		"outside of its own roots":              {build(t, noDelete, nil, func(b *bundle.Bundle) { b.Manifest.Roots = &[]string{"team"} }), nil, "do not permit"},
		"with the decision":                     {build(t, "package ecsmcp.authz\n\nallow := true\n", nil, nil), nil, "bundle.tar.gz:mine.rego:1: package ecsmcp.authz is the proxy's own"},
		"with data of the proxy":                {build(t, noDelete, nil, func(b *bundle.Bundle) { b.Data["ecsmcp"] = map[string]any{"config": 1} }), nil, "data.ecsmcp is the proxy's own"},
		"with the decision, although signed":    {build(t, "package ecsmcp.authz\n\nallow := true\n", &s, nil), key, "package ecsmcp.authz is the proxy's own"},
		"without anything":                      {packed(t, nil, nil), nil, "it holds no policy"},
		"with a link":                           {packed(t, []tar.Header{{Name: "a.rego", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}}, [][]byte{nil}), nil, "neither a file nor a directory"},
		"with a path that leads out":            {packed(t, []tar.Header{{Name: "../a.rego", Typeflag: tar.TypeReg}}, [][]byte{[]byte(noDelete)}), nil, "no path within the bundle"},
		"with one file twice":                   {packed(t, []tar.Header{{Name: "a.rego", Typeflag: tar.TypeReg}, {Name: "/a.rego", Typeflag: tar.TypeReg}}, [][]byte{[]byte(noDelete), []byte(noDelete)}), nil, "is there twice"},
		"with a module that ends in the middle": {packed(t, []tar.Header{{Name: "a.rego", Typeflag: tar.TypeReg}}, [][]byte{[]byte(noDelete[:40])}), nil, "/a.rego:"},
		"cut off":                               {signed[:len(signed)/2], key, "unexpected EOF"},
		"that is a web page":                    {[]byte("<html>"), nil, "it is no .tar.gz"},
		"that is empty":                         {nil, nil, "it is no .tar.gz"},
		"that unpacks to very much":             {packed(t, []tar.Header{{Name: "data.json", Typeflag: tar.TypeReg}}, [][]byte{make([]byte, maxSourceBytes+1)}), nil, "it holds more than"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ReadBundle("bundle.tar.gz", tt.b, tt.key)
			if !errors.Is(err, ErrPolicy) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant an ErrPolicy with %q", err, tt.want)
			}
		})
	}
}

func TestABundleIsWarnedOf(t *testing.T) {
	b := repack(t, build(t, noDelete, nil, nil), func(files []file) []file {
		return append(files, file{path: "team/limits.json", bytes: []byte("{}")}, file{path: "mine_test.rego", bytes: []byte("package mine_test\n\ntest_x if no_such_thing\n")})
	})
	source, err := ReadBundle("bundle.tar.gz", b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(source.Warnings(), "\n"); !strings.Contains(got, "bundle.tar.gz:team/limits.json is not read") {
		t.Errorf("got %q", got)
	}
	if len(source.modules) != 1 {
		t.Errorf("modules %v: tests take no part in decisions", source.modules)
	}
}

func TestReadKey(t *testing.T) {
	s := newSigner(t)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ id, algorithm, text, want string }{
		"of its algorithm":      {"a", "ES256", s.public, ""},
		"RSA":                   {"a", "RS256", publicPEM(t, &long.PublicKey), ""},
		"RSA, the newer way":    {"a", "PS512", publicPEM(t, &long.PublicKey), ""},
		"without an id":         {"", "ES256", s.public, "the key needs an id"},
		"with an id of blanks":  {" ", "ES256", s.public, "the key needs an id"},
		"private":               {"a", "ES256", s.private, "a private key; give the public one"},
		"of another curve":      {"a", "ES384", s.public, "does not verify ES384"},
		"for another algorithm": {"a", "RS256", s.public, "does not verify RS256"},
		"RSA for a curve":       {"a", "ES256", publicPEM(t, &long.PublicKey), "does not verify ES256"},
		"as a shared secret":    {"a", "HS256", publicPEM(t, &long.PublicKey), "does not verify HS256"},
		"too short":             {"a", "RS256", publicPEM(t, &short.PublicKey), "too short"},
		"of another kind":       {"a", "EdDSA", publicPEM(t, edwards), "keys are RSA or ECDSA"},
		"no PEM":                {"a", "ES256", "secret", "no PEM block"},
		"another PEM":           {"a", "ES256", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "must be a PUBLIC KEY"},
		"no key in the PEM":     {"a", "ES256", "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n", "asn1"},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := ReadKey(tt.id, tt.algorithm, []byte(tt.text))
			if tt.want == "" {
				if err != nil || key == nil {
					t.Error(err)
				}
				return
			}
			if key != nil || !errors.Is(err, ErrPolicy) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v; want %q", key, err, tt.want)
			}
		})
	}
}

func FuzzReadBundle(f *testing.F) {
	s := newSigner(f)
	key := s.key(f, "release")
	signed := build(f, noDelete, &s, nil)
	f.Add(signed, true)
	f.Add(build(f, noDelete, nil, nil), false)
	f.Add(repack(f, signed, func(files []file) []file { return files[1:] }), true)
	f.Fuzz(func(t *testing.T, b []byte, withKey bool) {
		used := key
		if !withKey {
			used = nil
		}
		source, err := ReadBundle("bundle.tar.gz", b, used)
		if err != nil {
			return
		}
		for _, module := range source.modules {
			if withKey && !strings.Contains(string(module.Package.Location.Text)+module.String(), "not on Fridays") {
				t.Errorf("a module that nobody signed was taken: %s", module)
			}
		}
		if _, ok := source.data["ecsmcp"]; ok {
			t.Error("data of the proxy's own were taken")
		}
	})
}
