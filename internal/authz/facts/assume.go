package facts

import (
	"slices"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// Assume returns accesses as [Reader.Fill] would if everything that it looks up
// had exactly these tags. It asks nobody: it is for saying what a decision would
// be, never for making one.
func Assume(accesses []authz.Access, tags map[string]string) []authz.Access {
	assumed := slices.Clone(accesses)
	for i, a := range accesses {
		for _, w := range wants(a) {
			assumed[i] = withTags(assumed[i], w.prefixes, tags)
		}
	}
	return assumed
}
