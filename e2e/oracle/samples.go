package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
)

// samples returns the samples of the built-in documents as cases, and how many
// are left out, by reason.
func samples() ([]iamtest.Case, map[string]int, error) {
	all, err := policy.Samples()
	if err != nil {
		return nil, nil, err
	}
	var cases []iamtest.Case
	left := map[string]int{}
	for _, s := range all {
		switch {
		case s.Access.IsMCP():
			left["accesses of mcp touch no AWS API"]++
			continue
		case len(s.Access.Unknown) > 0:
			left[iamtest.Oracle[iamtest.UnknownKeys]]++
			continue
		case s.Access.Resource != "*" && strings.ContainsAny(s.Access.Resource, "*?"):
			left[iamtest.Oracle[iamtest.WideResources]]++
			continue
		}
		c := iamtest.Case{ID: s.Name, Request: iamtest.Request{Action: s.Access.Action, Resource: s.Access.Resource, Context: s.Access.Context}}
		if c.Policies, err = documents(s.Persona.Identity); err != nil {
			return nil, nil, err
		}
		if c.Boundary, err = documents(s.Persona.Boundary); err != nil {
			return nil, nil, err
		}
		cases = append(cases, c)
	}
	return cases, left, nil
}

func documents(all []policy.Document) (decoded []iamtest.Document, err error) {
	for _, d := range all {
		var document iamtest.Document
		if err := json.Unmarshal(d.JSON, &document); err != nil {
			return nil, fmt.Errorf("read document %s: %w", d.Name, err)
		}
		decoded = append(decoded, document)
	}
	return decoded, nil
}
