package mcp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// ToolPins remembers what each tool of the server said of itself when it was first
// listed. One that says something else later is not listed and not called any
// more while the process lives: what a person agreed to was another tool.
// A nil ToolPins remembers nothing. One serves all sessions with a server; it is
// safe for concurrent use. Source: MCP, security best practices; CVE-2025-54136.
type ToolPins struct {
	locked bool // what is not known is changed

	mu      sync.Mutex
	first   map[string]map[string]string // by tool and member
	changed map[string]string            // how, by tool
}

// NewToolPins returns pins without a tool.
func NewToolPins() *ToolPins {
	return &ToolPins{first: map[string]map[string]string{}, changed: map[string]string{}}
}

// see takes what a tool says of itself now, and tells how it differs if that is
// the first time that it does.
func (p *ToolPins) see(tool wire.Tool) (news string, err error) {
	if p == nil {
		return "", nil
	}
	now, err := tool.Described()
	if err != nil {
		return "", fmt.Errorf("read tool %s: %w", short(tool.Name), err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before, known := p.first[tool.Name]
	switch {
	case !known && !p.locked:
		p.first[tool.Name] = now
		return "", nil
	case p.changed[tool.Name] != "" || maps.Equal(before, now):
		return "", nil
	}
	news = difference(before, now)
	p.changed[tool.Name] = news
	return news, nil
}

// holds reports whether a tool is held to anything.
func (p *ToolPins) holds(tool string) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, known := p.first[tool]
	return known || p.locked
}

// difference says how the tool differs from what it was; empty if it does not.
func (p *ToolPins) difference(tool string) string {
	if p == nil {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed[tool]
}

// Changed is how many tools have changed.
func (p *ToolPins) Changed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.changed)
}

// difference shows, for each member that differs, where it begins to.
func difference(before, now map[string]string) string {
	names := slices.Collect(maps.Keys(before))
	for name := range now {
		if _, ok := before[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var lines []string
	for _, name := range names {
		if old, new := before[name], now[name]; old != new {
			from := commonPrefix(old, new)
			lines = append(lines, fmt.Sprintf("%s was %s and is %s (sha256 %s, %s)", name, around(old, from), around(new, from), fingerprint(old), fingerprint(new)))
		}
	}
	return strings.Join(lines, "; ")
}

func commonPrefix(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// around shows a JSON text in ASCII from a little before a place on: what a server writes must
// not look like anything else in a terminal.
func around(text string, at int) string {
	const before, most = 20, 200
	if text == "" {
		return "not there"
	}
	start := max(at-before, 0)
	part := text[start:min(len(text), start+most)]
	quoted := strconv.QuoteToASCII(strings.ToValidUTF8(part, ""))
	quoted = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`) // JSON has quotes of its own
	if start > 0 {
		quoted = "…" + quoted
	}
	if start+most < len(text) {
		quoted += "…"
	}
	return quoted
}

func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}
