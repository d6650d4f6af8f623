package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// Step is one step of the story with all that it left behind.
type Step struct {
	Number  string `json:"step"`
	Title   string `json:"title"`
	Persona string `json:"persona"`
	Region  string `json:"region"`
	Call    string `json:"call"`
	// OK: every check of the step held; Problems says which did not.
	OK       bool     `json:"ok"`
	Problems []string `json:"problems,omitempty"`
	Client   string   `json:"client_saw"`

	DecisionID string   `json:"decision_id,omitempty"`
	Decision   string   `json:"decision,omitempty"` // "allowed" or the class of refusal
	Accesses   []string `json:"accesses,omitempty"`
	Statements []string `json:"statements,omitempty"`
	Session    string   `json:"session,omitempty"`
	PolicySize int      `json:"session_policy_size,omitempty"`
	AWS        []Seen   `json:"aws_saw,omitempty"`
}

// Seen is one request as AWS saw it.
type Seen struct {
	Action  string `json:"action"`
	By      string `json:"by"` // session name, or user for the proxy itself
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason,omitempty"`
}

// observer reads what a step left in the audit log and at AWS.
type observer struct {
	world    *world
	offset   int64
	requests int
}

// records returns the lines written since it was last asked.
func (o *observer) records() ([]audit.Record, error) {
	b, err := os.ReadFile(o.world.auditFile())
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	fresh := b[o.offset:]
	o.offset = int64(len(b))
	var records []audit.Record
	for line := range bytes.Lines(fresh) {
		var r audit.Record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		records = append(records, r)
	}
	return records, nil
}

// seen returns AWS's requests since it was last asked.
func (o *observer) seen() []fakeaws.Request {
	all := o.world.aws.Requests()
	fresh := all[o.requests:]
	o.requests = len(all)
	return fresh
}

// fill completes a step from what it left behind.
func (o *observer) fill(s *Step) error {
	records, err := o.records()
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.Phase == audit.PhaseDecision || r.Phase == audit.PhaseRefusal {
			s.DecisionID, s.Decision = r.DecisionID, r.Class
			s.decided(r)
		}
	}
	for _, r := range o.seen() {
		by := r.Session
		if by == "" {
			by = "the proxy itself"
		}
		s.AWS = append(s.AWS, Seen{Action: r.Action, By: by, Allowed: r.Allowed, Reason: r.Reason})
	}
	return nil
}

func (s *Step) decided(r audit.Record) {
	s.Accesses, s.Statements = nil, nil
	if r.Input != nil {
		for _, a := range r.Input.Accesses {
			s.Accesses = append(s.Accesses, a.Action+" on "+a.Resource)
		}
	}
	if r.Result != nil {
		for _, a := range r.Result.Accesses {
			// An allowed call is explained by all its statements, a refused one by those that refused.
			if (a.Verdict == authz.Allowed) == r.Result.Allow {
				s.Statements = append(s.Statements, a.Statements...)
			}
		}
		slices.Sort(s.Statements)
		s.Statements = slices.Compact(s.Statements)
	}
	if r.Grant != nil {
		s.Session, s.PolicySize = r.Grant.SessionName, r.Grant.SessionPolicySize
	}
}

// check notes what should be true and is not.
func (s *Step) check(ok bool, format string, args ...any) {
	if !ok {
		s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
	}
}

// named reports whether one of the deciding statements has that Sid.
func (s *Step) named(sid string) bool {
	return slices.ContainsFunc(s.Statements, func(name string) bool { return strings.HasSuffix(name, "/"+sid) })
}

// reached reports whether a session's request of that action reached AWS, and how it ended.
func (s *Step) reached(action string) (seen, allowed bool) {
	for _, r := range s.AWS {
		if r.Action == action && r.By != "the proxy itself" {
			seen, allowed = true, allowed || r.Allowed
		}
	}
	return seen, allowed
}
