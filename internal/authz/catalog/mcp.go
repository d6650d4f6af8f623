package catalog

import (
	"fmt"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// The actions of the pseudo-service mcp, for what touches no AWS API.
const (
	CallTool     = "mcp:CallTool"
	GetPrompt    = "mcp:GetPrompt"
	ReadResource = "mcp:ReadResource"
)

// Tool returns the access of a tool as such: what a call of one that needs no
// AWS access is decided on. It does not say whether there is such a tool.
func (c *Catalog) Tool(env Env, name string) ([]authz.Access, error) {
	return c.pseudo(env, CallTool, "tool", name)
}

// Prompt returns the access of a prompts/get.
func (c *Catalog) Prompt(env Env, name string) ([]authz.Access, error) {
	return c.pseudo(env, GetPrompt, "prompt", name)
}

// Resource returns the access of a resources/read. The URI is escaped, so that
// its slashes and wildcards are none of the ARN's.
func (c *Catalog) Resource(env Env, uri string) ([]authz.Access, error) {
	return c.pseudo(env, ReadResource, "resource", uri)
}

// maxName bounds what is put into an ARN; AWS's own limit for one is 2048.
const maxName = 1024

func (c *Catalog) pseudo(env Env, action, typ, name string) ([]authz.Access, error) {
	if err := env.check(); err != nil {
		return nil, err
	}
	if name == "" || len(name) > maxName || hasControl(name) {
		return nil, refuse(typ, "must have 1 to %d characters and no control characters", maxName)
	}
	return []authz.Access{{
		Action:   action,
		Resource: c.pseudoARN(typ, name),
		Context:  map[string]authz.Value{requestedRegion: authz.One(env.Region)},
	}}, nil
}

func (c *Catalog) pseudoARN(typ, name string) string {
	return "arn:ecs-mcp-proxy:mcp:::" + c.server + "/" + typ + "/" + escape(name)
}

// escape writes everything but letters, digits, "-", "_" and "." as %XX.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
