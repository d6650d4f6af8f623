package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	files "github.com/ecs-mcp-proxy/ecs-mcp-proxy/rego"
)

// forbidden are the builtins that policy does not get: they reach the network,
// the process or what else is not in the request, so a decision made with one
// could be neither repeated nor explained.
var forbidden = []string{
	"http.send", "net.lookup_ip_addr", "opa.runtime", "providers.aws.sign_req",
	"rand.intn", "time.now_ns", "uuid.rfc4122", "trace", "print",
}

func capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool { return slices.Contains(forbidden, b.Name) })
	c.AllowNet = []string{}
	return c
}

// loadModules parses the embedded modules, without their tests.
func loadModules() (map[string]*ast.Module, error) {
	modules := map[string]*ast.Module{}
	err := fs.WalkDir(files.Files, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".rego") || strings.HasSuffix(path, "_test.rego") {
			return err
		}
		b, err := fs.ReadFile(files.Files, path)
		if err != nil {
			return err
		}
		modules[path], err = ast.ParseModuleWithOpts(path, string(b), ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: load modules: %w", ErrPolicy, err)
	}
	return modules, nil
}

// revisionOf hashes what decides: the modules as parsed and the data.
func revisionOf(modules map[string]*ast.Module, data map[string]any) (string, error) {
	h := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		fmt.Fprintf(h, "%q %q\n", path, modules[path].String())
	}
	// Maps are written sorted, so equal data give equal bytes.
	if err := json.NewEncoder(h).Encode(data); err != nil {
		return "", fmt.Errorf("%w: hash policy: %w", ErrPolicy, err)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}
