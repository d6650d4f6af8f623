package fakeaws

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Request is what AWS saw and decided of one request.
type Request struct {
	At          time.Time // AWS's idea of now
	Service     string    // "ecs", of the signature
	Action      string    // "ecs:DeleteService"
	Region      string    // of the signature
	AccessKeyID string
	Principal   string   // ARN; empty if the signature was refused
	Session     string   // role session name; empty for users
	Resource    []string // every resource that was authorised, in order
	Allowed     bool     // authorised; the operation may still have failed
	Code        string   // error code; empty for success
	// Reason is the verdict on the last action that was authorised: the word,
	// the layer, and the statement.
	Reason string
	// Params are the request's parameters as JSON, without the values of
	// container environments; null if they could not be read.
	Params json.RawMessage
}

// Session is one set of credentials that AssumeRole gave out.
type Session struct {
	AccessKeyID, RoleARN, Name, SourceIdentity string
	Policy                                     string // inline session policy as sent
	PackedSize                                 int    // percent
	Tags                                       map[string]string
	Transitive                                 []string // keys of Tags, inherited ones too
	Expires                                    time.Time
}

// Requests returns a copy of the requests so far, in order.
func (a *AWS) Requests() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := slices.Clone(a.requests)
	for i := range out {
		out[i].Resource = slices.Clone(out[i].Resource)
	}
	return out
}

// Sessions returns a copy of the sessions so far, in order.
func (a *AWS) Sessions() []Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := slices.Clone(a.sessions)
	for i := range out {
		out[i].Tags, out[i].Transitive = maps.Clone(out[i].Tags), slices.Clone(out[i].Transitive)
	}
	return out
}

// Violations returns what AWS answered and this product must never send: an
// AssumeRole without a session policy, or with one that allows nothing.
func (a *AWS) Violations() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.violations)
}

// withoutSecrets replaces the values of container environments, at any depth.
func withoutSecrets(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = withoutSecrets(v[i])
		}
	case map[string]any:
		for key, member := range v {
			if list, ok := member.([]any); ok && key == "environment" {
				for _, variable := range list {
					if m, ok := variable.(map[string]any); ok && m["value"] != nil {
						m["value"] = "***"
					}
				}
			}
			v[key] = withoutSecrets(member)
		}
	}
	return v
}
