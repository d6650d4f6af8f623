package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
)

// sampled is every sample of the built-in documents that touches an AWS API.
type sampled struct {
	cases []iamtest.Case
	// expected has, by the case's id, the sample's verdict, unless the case had to
	// be made another one.
	expected                  map[string]string
	mcp, wide, unknown, whole int
}

// readSamples reads the samples as cases. The oracle knows neither unknown keys
// nor wide resources: an unknown key is left out, and of a wide resource one is
// asked for.
func readSamples() (sampled, error) {
	s := sampled{expected: map[string]string{}}
	all, err := policy.Samples()
	if err != nil {
		return s, err
	}
	for _, sample := range all {
		access := sample.Access
		if access.IsMCP() {
			s.mcp++
			continue
		}
		c := iamtest.Case{ID: sample.Name, Request: iamtest.Request{Action: access.Action, Resource: access.Resource, Context: access.Context}}
		if c.Policies, err = documents(sample.Persona.Identity); err != nil {
			return s, err
		}
		if c.Boundary, err = documents(sample.Persona.Boundary); err != nil {
			return s, err
		}
		wide := access.Resource != "*" && strings.ContainsAny(access.Resource, "*?")
		if wide {
			s.wide++
			c.Request.Resource = strings.NewReplacer("*", "any", "?", "a").Replace(access.Resource)
		}
		if len(access.Unknown) > 0 {
			s.unknown++
		}
		if !wide && len(access.Unknown) == 0 {
			s.whole++
			s.expected[c.ID] = sample.Verdict.String()
		}
		s.cases = append(s.cases, c)
	}
	return s, nil
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

// samples compares the samples, and the oracle with what they say.
func (c comparison) samples() (wrong int, err error) {
	s, err := readSamples()
	if err != nil {
		return 0, err
	}
	r, err := c.compare("samples", s.cases)
	if err != nil {
		return 0, err
	}
	fmt.Printf("  %d as they are; %d without their unknown keys, %d with one of the wide resource; besides, %d of mcp touch no AWS API\n", s.whole, s.unknown, s.wide, s.mcp)
	theirs, err := c.oracle.ask(s.cases)
	if err != nil {
		return 0, err
	}
	for _, a := range theirs {
		if want, ok := s.expected[a.ID]; ok && a.Decision != want {
			fmt.Printf("  %s: the oracle says %s, the sample %s\n", a.ID, a.Decision, want)
			wrong++
		}
	}
	if len(s.expected) != s.whole || s.whole == 0 {
		return 0, fmt.Errorf("%d samples have %d names", s.whole, len(s.expected))
	}
	return wrong + len(r.differ), nil
}
