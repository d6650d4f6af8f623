package catalog

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// Managed is the profile of the ECS MCP server that AWS manages.
const Managed = "aws.ecs-mcp"

// Signed says how to talk to a server that is an AWS service itself.
type Signed struct {
	Service string // in the signature of each request
	Action  string // that each request needs, whatever it asks for
}

// Signed returns how requests to the server are signed; false if they are not.
func (c *Catalog) Signed() (Signed, bool) { return c.signed, c.signed != Signed{} }

// Use returns the access of a request that is no call, such as initialize or
// tools/list, to a server whose requests are signed; none for another server.
func (c *Catalog) Use(env Env) ([]authz.Access, error) {
	if c.use == nil {
		return nil, nil
	}
	if err := env.check(); err != nil {
		return nil, err
	}
	k := &call{env: env, args: &value{kind: '{'}, parts: map[string]string{}, refs: map[string][]*ref{}}
	return k.accesses(c.use)
}

// Meta returns what a server is told in params._meta of each request, in the
// place of what a client says there.
func (c *Catalog) Meta(env Env) map[string]string {
	if len(c.meta) == 0 {
		return nil
	}
	meta := make(map[string]string, len(c.meta))
	for name, text := range c.meta {
		meta[name], _ = text.render(env, nil)
	}
	return meta
}

// signedDoc is what a catalogue says of a server that is an AWS service.
type signedDoc struct {
	Service string `yaml:"service"`
	Action  string `yaml:"action"`
}

var serviceName = regexp.MustCompile(`\A[a-z0-9-]{1,64}\z`)

// sign takes over how requests to the server are signed: it is said once.
func (c *compiler) sign(out *Catalog, d *document) {
	if d.Signed == (signedDoc{}) {
		return
	}
	if c.signed != nil {
		c.fail("signed", "is there twice")
		return
	}
	if !serviceName.MatchString(d.Signed.Service) {
		c.fail("signed.service", "must be the service's name in a signature, such as ecs-mcp")
	}
	o := &operation{input: &shape{kind: "structure"}}
	c.signed = c.access("signed", o, nil, accessDoc{Action: d.Signed.Action})
	if c.actions[d.Signed.Action].Write {
		c.fail("signed.action", "%s writes; it is needed for reads too", d.Signed.Action)
	}
	o.accesses = []*access{c.signed}
	out.signed, out.use = Signed(d.Signed), o
}

var metaName = regexp.MustCompile(`\A[A-Za-z][A-Za-z0-9_./-]{0,127}\z`)

// tellMeta takes over what is said in _meta: texts in which only the place that a
// call acts in is filled in.
func (c *compiler) tellMeta(out *Catalog, d *document) {
	for _, name := range slices.Sorted(maps.Keys(d.Meta)) {
		text := template(d.Meta[name])
		if _, twice := out.meta[name]; twice || !metaName.MatchString(name) || slices.Contains(protocolMeta, name) {
			c.fail("meta", "%s cannot be set, or is there twice", quote(name))
			continue
		}
		for _, part := range partName.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains([]string{"region", "account", "partition"}, part[1]) {
				c.fail("meta."+name, "may hold {region}, {account} and {partition}, not %s", fmt.Sprintf("%q", part[0]))
			}
		}
		if out.meta == nil {
			out.meta = map[string]template{}
		}
		out.meta[name] = text
	}
}

// protocolMeta are names whose meaning is MCP's.
var protocolMeta = []string{"progressToken", "io.modelcontextprotocol/protocolVersion"}
