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
	refuse       string
	write        bool
	sensitive    bool
	escapesScope bool
	longRunning  bool
	updates      bool // what is left out keeps its value at AWS
	timeout      time.Duration
	timeoutFrom  []string
	anyArguments bool
	input        *shape
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
	when     []string
	unless   []string
	flags    authz.Access // optional, unscopable and the like
	fillers  []filler
	context  map[string]authz.Value // known whatever the arguments are
	unknown  []string               // unknown whatever the arguments are
}

func (o *operation) everyAccess() []*access {
	list := slices.Clone(o.accesses)
	for _, c := range o.choices {
		list = append(list, c.accesses...)
	}
	return list
}
