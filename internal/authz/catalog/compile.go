package catalog

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

// formatVersion is the only version of the file format there is.
const formatVersion = 1

func parse(name string, b []byte) (*document, error) {
	d := &document{}
	if err := yaml.UnmarshalWithOptions(b, d, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%w: read %s: %w", ErrFormat, name, err)
	}
	return d, nil
}

// loadCommon reads the embedded words that every catalogue shares.
var loadCommon = sync.OnceValues(func() (*document, error) { return parse("common.yaml", commonYAML) })

// compiler turns documents into a Catalog and gathers every mistake.
type compiler struct {
	facts   *facts
	actions map[string]action
	parts   map[string]string
	types   map[string]*kind
	keys    map[string]keyDoc
	global  []string
	unknown []string
	shapes  map[string]*shape
	pseudo  string  // ARN of the tool being compiled
	signed  *access // what every request to the server needs; nil for nothing
	errs    []error
}

// compile makes one catalogue of the documents, which describe the same server.
func compile(name string, docs ...*document) (*Catalog, error) {
	f, err := loadFacts()
	if err != nil {
		return nil, err
	}
	shared, err := loadCommon()
	if err != nil {
		return nil, err
	}
	c := &compiler{facts: f, actions: maps.Clone(f.Actions), parts: map[string]string{}, types: map[string]*kind{},
		keys: map[string]keyDoc{}, shapes: map[string]*shape{}}
	all := append([]*document{shared}, docs...)
	for _, d := range docs {
		c.globals(d)
	}
	for _, d := range all {
		c.words(d)
	}
	for _, d := range all {
		c.kinds(d)
	}
	out := &Catalog{tools: map[string]*tool{}}
	for _, d := range docs {
		c.sign(out, d)
		c.tellMeta(out, d)
	}
	for _, d := range docs {
		if d.Catalogue != formatVersion {
			c.fail("catalogue", "must be %d, the version of the format", formatVersion)
		}
		if d.Server == "" || escape(d.Server) != d.Server || out.server != "" && d.Server != out.server {
			c.fail("server", "must be one name of letters, digits, \"-\", \"_\" and \".\"")
		}
		out.server = d.Server
		for _, tool := range slices.Sorted(maps.Keys(d.Tools)) {
			if _, twice := out.tools[tool]; twice {
				c.fail("tools."+tool, "is there twice")
			}
			c.pseudo = out.pseudoARN("tool", tool)
			out.tools[tool] = c.tool("tools."+tool, d.Tools[tool])
		}
	}
	if len(out.tools) == 0 {
		c.fail("tools", "must name at least one tool")
	}
	if len(c.errs) > 0 {
		return nil, fmt.Errorf("%w: %s: %w", ErrFormat, name, errors.Join(c.errs...))
	}
	return out, nil
}

func (c *compiler) fail(at, format string, a ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s %s", at, fmt.Sprintf(format, a...)))
}

// words takes over what a document adds to the shared words; it may not change one.
func (c *compiler) words(d *document) {
	adopt(c, "actions", c.actions, d.Actions)
	adopt(c, "parts", c.parts, d.Parts)
	adopt(c, "keys", c.keys, d.Keys)
	c.global = append(c.global, d.Global...)
	c.unknown = append(c.unknown, d.Unknown...)
}

// globals refuses to call a service global that is known already: the accesses of
// one that has regions would escape every rule about them.
func (c *compiler) globals(d *document) {
	for _, service := range d.Global {
		for action := range c.facts.Actions {
			if known, _, _ := strings.Cut(action, ":"); strings.EqualFold(known, service) {
				c.fail("global."+service, "is a service that is known already, and has regions if it is not in the shared list")
				break
			}
		}
	}
}

// A word in another spelling is the same word: IAM compares actions and keys
// without case, and what policy knows of one must not be lost with the spelling.
func adopt[V any](c *compiler, what string, into, from map[string]V) {
	spelled := map[string]string{}
	for name := range into {
		spelled[strings.ToLower(name)] = name
	}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if known := spelled[strings.ToLower(name)]; known != "" && known != name {
			c.fail(what+"."+name, "is %s in another spelling; write it so", known)
			continue
		}
		spelled[strings.ToLower(name)] = name
		if _, ok := into[name]; ok {
			c.fail(what+"."+name, "is defined already and cannot be changed")
			continue
		}
		into[name] = from[name]
	}
}

func (c *compiler) kinds(d *document) {
	for _, name := range slices.Sorted(maps.Keys(d.Types)) {
		at := "types." + name
		if _, ok := c.types[name]; ok {
			c.fail(at, "is defined already and cannot be changed")
			continue
		}
		c.types[name] = c.kind(at, name, d.Types[name])
	}
}

func (c *compiler) kind(at, name string, d typeDoc) *kind {
	k := &kind{name: name, arn: template(d.ARN), open: d.Open}
	if d.As != "" {
		k.name = d.As
	}
	tail := strings.SplitN(d.ARN, ":", 6)
	if len(tail) != 6 || tail[0] != "arn" || !strings.Contains(d.ARN, "{account}") {
		c.fail(at, "needs an arn of six parts, arn:{partition}:SERVICE:{region}:{account}:RESOURCE")
		return k
	}
	parts := partName.FindAllStringSubmatch(tail[5], -1)
	if len(parts) == 0 {
		c.fail(at, "needs a {part} in its arn")
		return k
	}
	forms := d.Forms
	if forms == nil {
		forms = []string{tail[5]}
	}
	names := []string{"{" + parts[len(parts)-1][1] + "}"}
	if d.Names != nil {
		names = *d.Names
	}
	k.forms, k.names = c.patterns(at, forms), c.patterns(at, names)
	if d.Names != nil && len(names) == 0 {
		k.own = []string{parts[len(parts)-1][1]}
	}
	for _, p := range k.names {
		k.own = append(k.own, p.parts...)
	}
	k.own = append(k.own, d.Open...)
	slices.Sort(k.own)
	k.own = slices.Compact(k.own)
	return k
}

func (c *compiler) patterns(at string, texts []string) []*pattern {
	var list []*pattern
	for _, text := range texts {
		p, err := compilePattern(text, c.parts)
		if err != nil {
			c.fail(at, "%v", err)
			continue
		}
		list = append(list, p)
	}
	return list
}

func (c *compiler) regexp(at, expr string) *regexp.Regexp {
	if expr == "" {
		return nil
	}
	re, err := regexp.Compile(`\A(?:` + expr + `)\z`)
	if err != nil {
		c.fail(at+".pattern", "%v", err)
	}
	return re
}
