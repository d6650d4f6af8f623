package mcp

import (
	"cmp"
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
	first   map[string]said            // by tool: each member, in whatever version it was first there
	under   map[string]map[string]said // by tool and protocol version: all that it said first
	changed map[string]string          // how, by tool
}

// said is what a tool says of itself, by member.
type said = map[string]string

// later are the members of a tool that MCP did not have from the beginning, or has no
// more, with the versions of the protocol from and before which it has them. Some
// servers leave them out under a version that does not know them.
// Sources: MCP 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28, tools.
var later = map[string]struct{ from, before string }{
	"annotations":  {from: "2025-03-26"},
	"title":        {from: "2025-06-18"},
	"outputSchema": {from: "2025-06-18"},
	"icons":        {from: "2025-11-25"},
	"execution":    {from: "2025-11-25", before: "2026-07-28"},
}

// knows reports whether a version of the protocol has a member that others lack. What
// one has that is not known here nobody can say.
func knows(version, member string) bool {
	m := later[member]
	return version >= m.from && (m.before == "" || version < m.before)
}

// versions are those under which a tool is told apart; all others are one.
var versions = []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}

// NewToolPins returns pins without a tool.
func NewToolPins() *ToolPins {
	return &ToolPins{first: map[string]said{}, under: map[string]map[string]said{}, changed: map[string]string{}}
}

// see takes what a tool says of itself now under a version of the protocol, and tells
// how it differs if that is the first time that it does. A member that only the one of
// two versions knows may lack under the other; what both know is the same.
func (p *ToolPins) see(version string, tool wire.Tool) (news string, err error) {
	if p == nil {
		return "", nil
	}
	now, err := tool.Described()
	if err != nil {
		return "", fmt.Errorf("read tool %s: %w", short(tool.Name), err)
	}
	if !slices.Contains(versions, version) {
		version = ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed[tool.Name] != "" {
		return "", nil
	}
	before := p.before(version, tool.Name, now)
	if before == nil && !p.locked || before != nil && maps.Equal(before, now) {
		return "", nil
	}
	news = cmp.Or(difference(before, now), "it is not in the lock, and says nothing")
	p.changed[tool.Name] = news
	return news, nil
}

// before is what a tool is held to under a version; nil if it is held to nothing yet.
// Then, and under a version of which it was not known, now is what it is held to from
// now on. The caller holds the lock.
func (p *ToolPins) before(version, tool string, now said) said {
	if p.locked {
		return p.first[tool]
	}
	if before := p.under[tool][version]; before != nil {
		return before
	}
	first, known := p.first[tool]
	before := maps.Clone(first)
	for member := range later {
		_, has := now[member]
		_, had := first[member]
		switch {
		case !has && !knows(version, member):
			delete(before, member)
		case has && !had && known && !p.expected(tool, member):
			before[member] = now[member]
		}
	}
	if !known {
		p.first[tool], p.under[tool] = maps.Clone(now), map[string]said{version: now}
		return nil
	}
	p.under[tool][version] = before
	maps.Copy(p.first[tool], before) // as it was, and what it has only here
	return before
}

// expected reports whether a tool was seen under a version that knows a member; the
// caller holds the lock.
func (p *ToolPins) expected(tool, member string) bool {
	for version := range p.under[tool] {
		if knows(version, member) {
			return true
		}
	}
	return false
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
