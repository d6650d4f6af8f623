package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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
	// These look at the clock, or sign with chance, on the way.
	"io.jwt.decode_verify", "io.jwt.encode_sign", "io.jwt.encode_sign_raw",
	"crypto.x509.parse_and_verify_certificates", "crypto.x509.parse_and_verify_certificates_with_options",
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
		modules[path], err = parseModule(path, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: load modules: %w", ErrPolicy, err)
	}
	return modules, nil
}

// compile compiles modules strictly, their references to the input checked
// against its schema. Every mistake that OPA finds is in the one error.
func compile(by answerer, modules map[string]*ast.Module, data map[string]any) (*ast.Compiler, error) {
	schema, err := inputSchema()
	if err != nil {
		return nil, err
	}
	exists := func(path []string) (bool, error) {
		var node any = data
		for _, key := range path {
			object, ok := node.(map[string]any)
			if node, ok = object[key]; !ok {
				return false, nil
			}
		}
		return true, nil
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithStrict(true).WithSchemas(schema).
		WithBuiltins(nativeBuiltins()).
		SetErrorLimit(maxCompileErrors).WithPathConflictsCheck(exists)
	if by == nativeAnswers {
		compiler.WithStageAfterID(ast.StageResolveRefs, ast.CompilerStageDefinition{
			Name: "StandIn", MetricName: "compile_stage_stand_in", Stage: standIn})
	}
	if compiler.Compile(modules); compiler.Failed() {
		return nil, fmt.Errorf("%w: compile modules:\n%w", ErrPolicy, errors.Join(explained(compiler.Errors)...))
	}
	return compiler, nil
}

const maxCompileErrors = 100

// inputSchema is the schema of the input, for rules that name it in their
// METADATA and for all others alike.
func inputSchema() (*ast.SchemaSet, error) {
	b, err := fs.ReadFile(files.Files, "schema/input.json")
	if err != nil {
		return nil, fmt.Errorf("%w: read schema: %w", ErrPolicy, err)
	}
	var schema any
	if err := json.Unmarshal(b, &schema); err != nil {
		return nil, fmt.Errorf("%w: read schema: %w", ErrPolicy, err)
	}
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, schema)
	set.Put(ast.SchemaRootRef.Append(ast.StringTerm("input")), schema)
	return set, nil
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
