package catalog

import (
	"regexp"
	"slices"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// tool is a compiled tool of a catalogue.
type tool struct {
	selector   string // argument that names the operation, or ""
	def        string // operation if the selector is left out, or ""
	parameters string // argument that holds the operation's own arguments, or ""
	nullable   bool   // parameters may be null
	operations map[string]*operation
}

// operation is a compiled operation; a tool without selector has one, named "".
type operation struct {
	refuse            string
	write             bool
	sensitive         bool
	escapesScope      bool
	leavesCredentials bool
	longRunning       bool
	updates           bool // what is left out keeps its value at AWS
	timeout           time.Duration
	timeoutFrom       []string
	anyArguments      bool
	input             *shape
	step
	choices []choice
}

// step is a list of resources that the arguments name and of accesses on them.
type step struct {
	resources []*resource
	accesses  []*access
}

// choice is a step that is taken if its arguments are given.
type choice struct {
	given [][]string
	step
}

// resource says where the arguments name a resource.
type resource struct {
	name     string
	kinds    []*kind
	from     [][]string
	only     spelling
	def      string
	all      bool
	max      int
	wideOver int
	eachOf   []string
	prefix   string // put around the argument
	suffix   string
	pattern  *regexp.Regexp
	expects  string
}

// access is one action and where its resource comes from: a resource of the
// call, every resource of a kind, an ARN with parts, or "*".
type access struct {
	action   string
	on       string // resource type as in the service authorization reference
	resource string
	kind     *kind
	arn      template
	subject  string // resource of the call whose tags AWS does not look at, or ""
	latest   bool   // a family stands for its latest revision
	rolesOf  string // resource of the call whose roles are passed, or ""
	// The arguments that replace a role of rolesOf, or nil.
	taskRole, executionRole []string
	when                    []string
	unless                  []string
	flags                   authz.Access // optional, unscopable and the like
	fillers                 []filler
	context                 map[string]authz.Value // known whatever the arguments are
	unknown                 []string               // unknown whatever the arguments are
}

// needs returns, for every way the operation can go, the actions that it cannot
// do without when only its required arguments are given; nil if it is always refused.
func (o *operation) needs() [][]string {
	if o.refuse != "" {
		return nil
	}
	if len(o.choices) == 0 {
		return [][]string{o.required(o.step)}
	}
	var ways [][]string
	for _, c := range o.choices {
		ways = append(ways, o.required(step{slices.Concat(o.resources, c.resources), slices.Concat(c.accesses, o.accesses)}))
	}
	return ways
}

func (o *operation) required(s step) []string {
	sure := map[string]bool{"": true}
	for _, r := range s.resources {
		sure[r.name] = r.def != "" || r.all || len(r.from) == 1 && slices.Contains(o.input.required, r.from[0][0])
	}
	var actions []string
	for _, a := range s.accesses {
		if !a.flags.Optional && a.when == nil && sure[a.resource] {
			actions = append(actions, a.action)
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

func (o *operation) everyAccess() []*access {
	list := slices.Clone(o.accesses)
	for _, c := range o.choices {
		list = append(list, c.accesses...)
	}
	return list
}
