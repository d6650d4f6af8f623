package catalog

import (
	"time"

	"github.com/goccy/go-yaml"
)

// document is a catalogue file; docs/catalogue.md explains every word.
type document struct {
	Catalogue int                `yaml:"catalogue"` // version of the format: 1
	Server    string             `yaml:"server"`
	Signed    signedDoc          `yaml:"signed"`
	Meta      map[string]string  `yaml:"meta"`
	Anchors   []any              `yaml:"anchors"` // a place for YAML anchors; not read
	Actions   map[string]action  `yaml:"actions"`
	Parts     map[string]string  `yaml:"parts"`
	Types     map[string]typeDoc `yaml:"types"`
	Keys      map[string]keyDoc  `yaml:"keys"`
	Global    []string           `yaml:"global"`
	Unknown   []string           `yaml:"unknown"`
	Tools     map[string]toolDoc `yaml:"tools"`
}

type typeDoc struct {
	As    string    `yaml:"as"`
	ARN   string    `yaml:"arn"`
	Forms []string  `yaml:"forms"`
	Names *[]string `yaml:"names"` // nil: the last part
	Open  []string  `yaml:"open"`
}

type keyDoc struct {
	From   words  `yaml:"from"`
	Type   string `yaml:"type"`
	PartOf string `yaml:"part-of"`
	Many   bool   `yaml:"many"`
	As     string `yaml:"as"`
	Value  string `yaml:"value"`
	Absent string `yaml:"absent"`
}

type toolDoc struct {
	About      string                  `yaml:"about"`
	Selector   string                  `yaml:"selector"`
	Default    string                  `yaml:"default"`
	Parameters string                  `yaml:"parameters"`
	Nullable   bool                    `yaml:"nullable"`
	Input      string                  `yaml:"input"`
	Operations map[string]operationDoc `yaml:"operations"`
	Call       *operationDoc           `yaml:"call"`
}

type operationDoc struct {
	Refuse       string `yaml:"refuse"`
	Write        bool   `yaml:"write"`
	Sensitive    bool   `yaml:"sensitive"`
	EscapesScope bool   `yaml:"escapes-scope"`
	// LeavesCredentials is a kind of escape that no time-out ends.
	LeavesCredentials bool                   `yaml:"leaves-credentials"`
	LongRunning       bool                   `yaml:"long-running"`
	Updates           bool                   `yaml:"updates"`
	Timeout           time.Duration          `yaml:"timeout"`
	TimeoutFrom       string                 `yaml:"timeout-from"`
	AnyArguments      bool                   `yaml:"any-arguments"`
	Arguments         map[string]argumentDoc `yaml:"arguments"`
	Resources         []resourceDoc          `yaml:"resources"`
	Accesses          []accessDoc            `yaml:"accesses"`
	Choose            []choiceDoc            `yaml:"choose"`
}

type argumentDoc struct {
	Type     string                 `yaml:"type"`
	Required bool                   `yaml:"required"`
	Nullable bool                   `yaml:"nullable"`
	Min      *int                   `yaml:"min"`
	Max      *int                   `yaml:"max"`
	Pattern  string                 `yaml:"pattern"`
	Of       *argumentDoc           `yaml:"of"`
	Members  map[string]argumentDoc `yaml:"members"`
}

type resourceDoc struct {
	Name     string `yaml:"name"`
	Type     words  `yaml:"type"` // default: the name
	From     words  `yaml:"from"` // default: the name
	Only     string `yaml:"only"`
	Default  string `yaml:"default"`
	All      bool   `yaml:"all"`
	Max      int    `yaml:"max"`
	WideOver int    `yaml:"wide-over"`
	EachOf   string `yaml:"each-of"`
	Format   string `yaml:"format"`
	Pattern  string `yaml:"pattern"`
	Expects  string `yaml:"expects"`
}

type accessDoc struct {
	Action     string           `yaml:"action"`
	Resource   string           `yaml:"resource"`
	Type       string           `yaml:"type"`
	ARN        string           `yaml:"arn"`
	Everything bool             `yaml:"everything"`
	Subject    string           `yaml:"subject"`
	Latest     bool             `yaml:"latest"`
	RolesOf    string           `yaml:"roles-of"`
	Overridden overriddenDoc    `yaml:"overridden"`
	When       string           `yaml:"when"`
	Unless     string           `yaml:"unless"`
	PassedTo   string           `yaml:"passed-to"`
	Via        string           `yaml:"via"`
	Context    map[string]words `yaml:"context"`
	Optional   bool             `yaml:"optional"`
	Unverified bool             `yaml:"unverified"`
	Creates    bool             `yaml:"creates"`
}

// overriddenDoc names the arguments that replace a role of a task definition.
type overriddenDoc struct {
	Task      string `yaml:"task"`
	Execution string `yaml:"execution"`
}

type choiceDoc struct {
	Given     words         `yaml:"given"`
	Resources []resourceDoc `yaml:"resources"`
	Accesses  []accessDoc   `yaml:"accesses"`
}

// words is one word or a list of them.
type words []string

// UnmarshalYAML accepts both spellings.
func (w *words) UnmarshalYAML(b []byte) error {
	var list []string
	if err := yaml.Unmarshal(b, &list); err == nil {
		*w = list
		return nil
	}
	var one string
	if err := yaml.Unmarshal(b, &one); err != nil {
		return err
	}
	*w = words{one}
	return nil
}
