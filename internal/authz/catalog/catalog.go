package catalog

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// Env is where a call acts. Partition and account come from the role of the
// caller's persona, the region from the lane.
type Env struct{ Partition, Account, Region string }

// Catalog is the catalogue of one MCP server. It is immutable and safe for
// concurrent use.
type Catalog struct {
	server string
	tools  map[string]*tool
	signed Signed
	use    *operation // what every request needs; nil if it is not signed
	meta   map[string]template
}

// Resolution is what a call will do at AWS. It has at least one access.
type Resolution struct {
	Tool      string
	Operation string // value of the tool's selector argument, or ""
	Accesses  []authz.Access

	Write        bool // changes something
	Sensitive    bool // answers with secrets, environment values, logs or tokens
	LongRunning  bool // may outlive short-lived credentials
	EscapesScope bool // acts through something that outlives the call or its grant
	// LeavesCredentials: takes credentials beyond its grant and leaves them behind,
	// so no grant bounds it. Only a process that ends with the call, with a home
	// that does too, may make such a call.
	LeavesCredentials bool
	// Timeout is how long the call may take if the catalogue knows, else 0.
	Timeout time.Duration
	// Wait is how long the call is to wait for something, and WaitArgument the
	// argument that says so. Zero if it is not for the arguments to say.
	Wait         time.Duration
	WaitArgument string
}

//go:embed data/common.yaml
var commonYAML []byte

//go:embed data/*/*.yaml
var builtin embed.FS

var (
	builtinMu     sync.Mutex
	builtinLoaded = map[string]*Catalog{}
)

// Builtin returns the catalogue of that name which comes with the proxy. The
// error for an unknown name lists the names there are.
func Builtin(server string) (*Catalog, error) {
	names := BuiltinNames()
	if !slices.Contains(names, server) {
		return nil, fmt.Errorf("find catalogue: no built-in catalogue %s; there are %s; add others as files",
			quote(server), strings.Join(names, ", "))
	}
	builtinMu.Lock()
	defer builtinMu.Unlock()
	if c, ok := builtinLoaded[server]; ok {
		return c, nil
	}
	files, err := fs.Glob(builtin, path.Join("data", server, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var docs []*document
	for _, name := range files {
		b, err := builtin.ReadFile(name)
		if err != nil {
			return nil, err
		}
		d, err := parse(path.Base(name), b)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	c, err := compile(server, docs...)
	if err != nil {
		return nil, err
	}
	builtinLoaded[server] = c
	return c, nil
}

// BuiltinNames returns the names that Builtin knows, sorted.
func BuiltinNames() []string {
	entries, err := builtin.ReadDir("data")
	if err != nil {
		return nil // the directory is part of the build
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// Read reads a catalogue file; name is used in errors only. It is strict: an
// unknown key, a duplicate or a reference to something undefined is an
// ErrFormat, with its line or its path in the file.
func Read(name string, b []byte) (*Catalog, error) {
	d, err := parse(name, b)
	if err != nil {
		return nil, err
	}
	return compile(name, d)
}

// Server returns the name of the server the catalogue describes.
func (c *Catalog) Server() string { return c.server }

// Tools returns the tools of the catalogue, sorted.
func (c *Catalog) Tools() []string { return slices.Sorted(maps.Keys(c.tools)) }

// Operations returns the values that the tool's selector argument may have,
// sorted; nil for an unknown tool or one without selector. Operations that are
// always refused are among them.
func (c *Catalog) Operations(name string) []string {
	t, ok := c.tools[name]
	if !ok || t.selector == "" {
		return nil
	}
	return slices.Sorted(maps.Keys(t.operations))
}

// Needs returns the ways a tool can be used, each as the actions that it cannot
// do without. A tool is worth showing to a caller who may all of one of them; it
// is a courtesy, since every call is decided. It is nil for an unknown tool.
func (c *Catalog) Needs(name string) [][]string {
	t, ok := c.tools[name]
	if !ok {
		return nil
	}
	var ways [][]string
	for _, operation := range slices.Sorted(maps.Keys(t.operations)) {
		ways = append(ways, t.operations[operation].needs()...)
	}
	return ways
}

// OperationNeeds is Needs of one operation of the tool; nil if there is no such
// operation, or it is always refused.
func (c *Catalog) OperationNeeds(name, operation string) [][]string {
	t, ok := c.tools[name]
	if !ok || t.operations[operation] == nil {
		return nil
	}
	return t.operations[operation].needs()
}

// Actions returns every IAM action that a call of the tool can need, sorted;
// mcp:CallTool for what needs no AWS access. It is nil for an unknown tool.
func (c *Catalog) Actions(name string) []string {
	t, ok := c.tools[name]
	if !ok {
		return nil
	}
	found := map[string]bool{}
	for _, o := range t.operations {
		for _, a := range o.everyAccess() {
			found[a.action] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
