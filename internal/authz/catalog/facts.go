package catalog

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// facts is data/aws.json, which gen writes: what the service authorization
// reference says about actions, and botocore about the shape of ECS requests.
type facts struct {
	Actions map[string]action
	Types   map[string][]string
	Inputs  map[string]string
	Shapes  map[string]struct {
		Type     string
		Members  map[string]string
		Required []string
		Of       string
		Min      int
		Union    bool
	}
}

// action is one IAM action. A catalogue may declare further ones.
type action struct {
	Write    bool                `json:"write" yaml:"write"`
	Keys     []string            `json:"keys" yaml:"keys"`
	On       map[string][]string `json:"on" yaml:"on"` // resource type to the keys that come with it
	Required []string            `json:"required" yaml:"required"`
}

//go:embed data/aws.json
var factsJSON []byte

// loadFacts reads the embedded facts once; they are part of the build, so an
// error is one of the build.
var loadFacts = sync.OnceValues(func() (*facts, error) {
	f := &facts{}
	if err := json.Unmarshal(factsJSON, f); err != nil {
		return nil, fmt.Errorf("read embedded AWS facts: %w", err)
	}
	return f, nil
})

const resourceTag = "aws:ResourceTag/*"

// keysOf returns the condition keys that AWS carries for an action on a resource
// type, and whether the reference lists aws:ResourceTag for the action itself.
func (f *facts) keysOf(name string, a action, on string) (keys []string, taggable bool) {
	keys = slices.Concat(a.Keys, a.On[on])
	taggable = slices.Contains(keys, resourceTag)
	service, _, _ := strings.Cut(name, ":")
	keys = append(keys, f.Types[service+":"+on]...)
	slices.Sort(keys)
	return slices.Compact(keys), taggable
}

// input builds the shape of an operation's parameters, "ecs:RunTask"; built holds
// the shapes that are there already.
func (f *facts) input(operation string, built map[string]*shape) (*shape, bool) {
	name, ok := f.Inputs[operation]
	if !ok {
		return nil, false
	}
	return f.shape(name, built), true
}

func (f *facts) shape(name string, built map[string]*shape) *shape {
	if s, ok := built[name]; ok {
		return s
	}
	raw, ok := f.Shapes[name]
	if !ok {
		s := &shape{kind: name} // a scalar is known by its type alone
		built[name] = s
		return s
	}
	s := &shape{kind: raw.Type, required: raw.Required, union: raw.Union}
	built[name] = s // before its members: shapes may be recursive
	if raw.Min != 0 {
		s.min = &raw.Min
	}
	if raw.Of != "" {
		s.of = f.shape(raw.Of, built)
	}
	if raw.Type == "structure" {
		s.members = make(map[string]*shape, len(raw.Members))
		for member, of := range raw.Members {
			s.members[member] = f.shape(of, built)
		}
	}
	return s
}
