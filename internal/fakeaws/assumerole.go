package fakeaws

import (
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

type assumeRoleResponse struct {
	XMLName         xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleResponse"`
	AccessKeyID     string   `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
	SecretAccessKey string   `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
	SessionToken    string   `xml:"AssumeRoleResult>Credentials>SessionToken"`
	Expiration      string   `xml:"AssumeRoleResult>Credentials>Expiration"`
	AssumedRoleID   string   `xml:"AssumeRoleResult>AssumedRoleUser>AssumedRoleId"`
	Arn             string   `xml:"AssumeRoleResult>AssumedRoleUser>Arn"`
	PackedSize      int      `xml:"AssumeRoleResult>PackedPolicySize,omitempty"`
	SourceIdentity  string   `xml:"AssumeRoleResult>SourceIdentity,omitempty"`
}

// chainedMaximum bounds a role that a role's session assumes.
// Source: IAM User Guide, "Roles terms and concepts", role chaining.
const chainedMaximum = time.Hour

// assumeRole hands out credentials of a role, cut down by a session policy.
// Source: STS API reference, AssumeRole.
func (c *call) assumeRole() (any, *fault) {
	p, f := parseAssumeRole(c.form)
	if f != nil {
		return nil, f
	}
	r, f := c.mayAssume(p)
	if f != nil {
		return nil, f
	}
	if f := c.checkDuration(p, r); f != nil {
		return nil, f
	}
	s, f := c.inherit(p)
	if f != nil {
		return nil, f
	}
	var policy *layer
	if p.policy != "" {
		d, err := parsePolicy("session", p.policy)
		if err != nil {
			return nil, newFault("MalformedPolicyDocument", "%v", err)
		}
		policy = &layer{kind: sessionLayer, documents: []document{d}}
	}
	packed := packedSize(p.policy, s.tags)
	if packed > 100 {
		return nil, newFault("PackedPolicyTooLarge", "Packed policy consumes %d%% of allotted space, please use smaller policy.", packed)
	}
	arn := fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", c.aws.partition, r.Account, r.Name, p.sessionName)
	k := r.newSession(arn, s, policy)
	c.aws.keys[k.id] = k
	c.aws.sessions = append(c.aws.sessions, Session{
		AccessKeyID: k.id, RoleARN: r.arn, Name: s.name, SourceIdentity: s.sourceIdentity,
		Policy: p.policy, PackedSize: packed, Tags: maps.Clone(s.tags), Transitive: s.transitive, Expires: s.expires,
	})
	c.noteViolation(arn, policy)
	return assumeRoleResponse{
		AccessKeyID: k.id, SecretAccessKey: k.secret, SessionToken: k.principal.session.token,
		Expiration:    s.expires.UTC().Format(time.RFC3339),
		AssumedRoleID: k.principal.userID, Arn: arn, PackedSize: packed, SourceIdentity: s.sourceIdentity,
	}, nil
}

// mayAssume finds the role if it trusts the caller and the caller's policies
// allow the call. A role that is not there is answered like one that does not
// trust the caller.
func (c *call) mayAssume(p assumeRoleParameters) (*role, *fault) {
	k := keys{}
	k.one("sts:RoleSessionName", p.sessionName)
	if p.externalID != "" {
		k.one("sts:ExternalId", p.externalID)
	}
	if p.sourceIdentity != "" {
		k.one("sts:SourceIdentity", p.sourceIdentity)
	}
	if len(p.tags) > 0 {
		k.tags("aws:RequestTag", p.tags)
		k.many("aws:TagKeys", slices.Sorted(maps.Keys(p.tags))...)
	}
	if len(p.transitive) > 0 {
		k.many("sts:TransitiveTagKeys", p.transitive...)
	}
	accesses := []access{{"sts:AssumeRole", p.roleARN, k}}
	inherited := session{}
	if c.caller.session != nil {
		inherited = *c.caller.session
	}
	if len(p.tags)+len(inherited.transitive) > 0 {
		accesses = append(accesses, access{"sts:TagSession", p.roleARN, k})
	}
	if p.sourceIdentity != "" || inherited.sourceIdentity != "" {
		accesses = append(accesses, access{"sts:SetSourceIdentity", p.roleARN, k})
	}
	if f := c.authorize(accesses...); f != nil {
		return nil, f
	}
	r := c.aws.roles[p.roleARN]
	for _, x := range accesses {
		if r == nil || !c.trustedBy(r, x) || r.ExternalID != "" && r.ExternalID != p.externalID {
			c.allowed, c.reason = false, "implicitDeny trust"
			return nil, accessDenied(c.caller.arn, x.action, p.roleARN, "")
		}
	}
	return r, nil
}

func (c *call) checkDuration(p assumeRoleParameters, r *role) *fault {
	if p.duration > r.MaxSession {
		return newFault("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	if c.caller.session != nil && p.duration > chainedMaximum {
		return newFault("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	return nil
}

// inherit returns the new session, with what a chain of roles hands on: the
// transitive tags and the source identity, neither of which can be changed.
// Source: IAM User Guide, "Pass session tags in AWS STS", chaining.
func (c *call) inherit(p assumeRoleParameters) (session, *fault) {
	s := session{
		name: p.sessionName, sourceIdentity: p.sourceIdentity,
		tags: maps.Clone(p.tags), transitive: p.transitive,
		issued: c.at, expires: c.at.Add(p.duration),
	}
	parent := c.caller.session
	if parent == nil {
		return s, nil
	}
	if parent.sourceIdentity != "" {
		if s.sourceIdentity != "" && s.sourceIdentity != parent.sourceIdentity {
			return session{}, accessDenied(c.caller.arn, "sts:SetSourceIdentity", p.roleARN, "")
		}
		s.sourceIdentity = parent.sourceIdentity
	}
	for _, key := range parent.transitive {
		for own := range p.tags {
			if strings.EqualFold(own, key) {
				return session{}, newFault("InvalidParameterValue",
					"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
			}
		}
		s.tags[key] = parent.tags[key]
		s.transitive = append(slices.Clone(s.transitive), key)
	}
	return s, nil
}

func (c *call) noteViolation(arn string, policy *layer) {
	if policy == nil {
		c.aws.violations = append(c.aws.violations, "AssumeRole without a session policy: "+arn)
		return
	}
	for _, s := range policy.documents[0].statements {
		if !s.deny {
			return
		}
	}
	c.aws.violations = append(c.aws.violations, "AssumeRole with a session policy that allows nothing: "+arn)
}
