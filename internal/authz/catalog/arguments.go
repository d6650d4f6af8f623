package catalog

import (
	"maps"
	"slices"
)

// Arguments returns the names of the arguments that an operation of a tool may
// be given, and of those that it must be, both sorted. The operation of a tool
// without selector is "". Both are nil for what the catalogue does not know and
// where arguments are not read.
func (c *Catalog) Arguments(name, operation string) (known, required []string) {
	t, ok := c.tools[name]
	if !ok || t.operations[operation] == nil || t.operations[operation].input == nil {
		return nil, nil
	}
	input := t.operations[operation].input
	return slices.Sorted(maps.Keys(input.members)), slices.Sorted(slices.Values(input.required))
}

// Selector returns the argument that names a tool's operation, and the one that
// holds the operation's own arguments; both are empty where there is none.
func (c *Catalog) Selector(name string) (selector, parameters string) {
	if t, ok := c.tools[name]; ok {
		return t.selector, t.parameters
	}
	return "", ""
}

// Flags reports whether an operation of a tool changes something, whether it
// answers with what is secret, and whether it leaves credentials behind. What the
// catalogue does not know does all three.
func (c *Catalog) Flags(name, operation string) (write, sensitive, leavesCredentials bool) {
	t, ok := c.tools[name]
	if !ok || t.operations[operation] == nil {
		return true, true, true
	}
	o := t.operations[operation]
	return o.write, o.sensitive, o.leavesCredentials
}
