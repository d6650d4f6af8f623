package policy

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
)

// Key verifies the signatures of bundles. The zero Key verifies none.
type Key struct{ id, algorithm, text string }

// ReadKey reads a public key from PEM and checks that it is one of the
// algorithm, such as ES256. The id may not be empty: it is what bundles are
// signed under.
func ReadKey(id, algorithm string, b []byte) (*Key, error) {
	refuse := func(format string, args ...any) (*Key, error) {
		return nil, fmt.Errorf("%w: read bundle key %q: %s", ErrPolicy, id, fmt.Sprintf(format, args...))
	}
	if strings.TrimSpace(id) == "" {
		return refuse("the key needs an id")
	}
	block, _ := pem.Decode(b)
	switch {
	case block == nil:
		return refuse("the file holds no PEM block")
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return refuse("the file holds a private key; give the public one and keep the private one where bundles are signed")
	case block.Type != "PUBLIC KEY":
		return refuse("the PEM block must be a PUBLIC KEY, not %q", block.Type)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return refuse("%v", err)
	}
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if curves[algorithm] != key.Curve.Params().Name {
			return refuse("a key on the curve %s does not verify %s", key.Curve.Params().Name, algorithm)
		}
	case *rsa.PublicKey:
		if !strings.HasPrefix(algorithm, "RS") && !strings.HasPrefix(algorithm, "PS") {
			return refuse("an RSA key does not verify %s", algorithm)
		}
		if key.N.BitLen() < 2048 {
			return refuse("an RSA key of %d bits is too short; it needs 2048", key.N.BitLen())
		}
	default:
		return refuse("keys are RSA or ECDSA, not %T", public)
	}
	return &Key{id: id, algorithm: algorithm, text: string(b)}, nil
}

// Source: RFC 7518 section 3.4.
var curves = map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

// ReadBundle reads an OPA bundle (.tar.gz). With a key, the bundle must be signed
// by it, every file of it; without one, a signed bundle is refused, since nobody
// could tell whether the signature is good. Every error is an ErrPolicy.
func ReadBundle(name string, b []byte, key *Key) (s Source, err error) {
	defer func() {
		if p := recover(); p != nil {
			s, err = Source{}, fmt.Errorf("%w: read bundle %s: panic: %v", ErrPolicy, name, p)
		}
	}()
	files, err := readArchive(b)
	if err != nil {
		return Source{}, fmt.Errorf("%w: read bundle %s: %w", ErrPolicy, name, err)
	}
	reader := bundle.NewCustomReader(&archive{files: files}).WithSizeLimitBytes(maxSourceBytes).WithRegoVersion(ast.RegoV1).WithLazyLoadingMode(false)
	if key != nil {
		keys := map[string]*bundle.KeyConfig{key.id: {Key: key.text, Algorithm: key.algorithm}}
		reader = reader.WithBundleVerificationConfig(bundle.NewVerificationConfig(keys, key.id, "", nil))
	}
	read, err := reader.Read()
	if err != nil {
		return Source{}, fmt.Errorf("%w: read bundle %s: %w%s", ErrPolicy, name, errors.Join(explained(err)...), bundleHint(err))
	}
	if key != nil && len(read.Signatures.Signatures) == 0 { // OPA has seen to it; once it did not
		return Source{}, fmt.Errorf("%w: read bundle %s: it is not signed", ErrPolicy, name)
	}
	if err := checkBundle(read); err != nil {
		return Source{}, fmt.Errorf("%w: read bundle %s: %w", ErrPolicy, name, err)
	}
	var modules []file
	for _, m := range read.Modules {
		if path := strings.TrimPrefix(m.RelativePath, "/"); isSourceFile(path) {
			modules = append(modules, file{path: "bundle/" + path, shown: name + ":" + path, bytes: m.Raw})
		}
	}
	if len(modules) == 0 && len(read.Data) == 0 {
		return Source{}, fmt.Errorf("%w: read bundle %s: it holds no policy", ErrPolicy, name)
	}
	s, err = newSource(modules, read.Data)
	if err != nil {
		return Source{}, err
	}
	s.warnings = append(s.warnings, leftOut(name, files)...)
	s.Revision = read.Manifest.Revision
	return s, nil
}

// checkBundle refuses what a bundle may hold and would not be looked at here: a
// deny in it would be lost.
func checkBundle(b bundle.Bundle) error {
	switch {
	case len(b.WasmModules) > 0 || len(b.Manifest.WasmResolvers) > 0 || len(b.PlanModules) > 0:
		return errors.New("it holds compiled policy, which is not run here; build it with opa build -b DIRECTORY, without a target")
	case b.Type() != bundle.SnapshotBundleType:
		return errors.New("it is a delta bundle; serve whole ones")
	case b.Manifest.RegoVersion != nil && *b.Manifest.RegoVersion != 1 || slices.ContainsFunc(slices.Collect(maps.Values(b.Manifest.FileRegoVersions)), func(v int) bool { return v != 1 }):
		return errors.New("it is of Rego version 0; rewrite it with opa fmt --v0-v1 --write and build it anew")
	}
	for _, root := range *b.Manifest.Roots {
		if first, rest, _ := strings.Cut(root, "/"); first == "ecsmcp" && rest != "guardrails" && !strings.HasPrefix(rest, "guardrails/") {
			return fmt.Errorf("its manifest has the root %s, which is the proxy's own; a root in ecsmcp is ecsmcp/guardrails, or ecsmcp/guardrails/NAME", root)
		}
	}
	return nil
}

// leftOut warns of data that OPA passes over in a bundle.
func leftOut(name string, files []file) (warnings []string) {
	for _, f := range files {
		if isData(f.path) && !bundle.IsStructuredDoc(f.path) && !bundle.IsSignaturesFile(f.path) {
			warnings = append(warnings, fmt.Sprintf("%s:%s is not read: in a bundle, data are in files called data.json or data.yaml", name, f.path))
		}
	}
	return warnings
}

func bundleHint(err error) string {
	for _, h := range []struct{ contains, hint string }{
		{"missing .signatures.json", "; it is not signed, and policy.bundle.key is configured: sign it with opa build --signing-key"},
		{"missing JWT", "; it is not signed"},
		{"import future.keywords", "; its manifest says that it is of Rego version 0: rewrite it with opa fmt --v0-v1 --write and build it anew"},
		{"verification key not provided", "; it is signed: configure policy.bundle.key, so that the signature is looked at"},
		{"failed to verify JWT signature", "; it is signed with another key than policy.bundle.key"},
		{"not included in bundle signature", "; somebody added a file after it was signed"},
		{"digest mismatch", "; somebody changed a file after it was signed"},
		{"not found in the target bundle", "; somebody removed a file after it was signed"},
	} {
		if strings.Contains(err.Error(), h.contains) {
			return h.hint
		}
	}
	return ""
}
