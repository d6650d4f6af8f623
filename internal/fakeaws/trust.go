package fakeaws

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A trustPolicy says who may assume a role. The nil policy trusts nobody.
type trustPolicy []trustStatement

// A trustStatement is a statement about principals instead of resources.
type trustStatement struct {
	statement
	principals []string // ARNs, account ids or "*" of AWS principals
}

// parseTrust reads a role's trust policy as strictly as every other policy.
// Services and federated identities are read and match nobody here.
// Source: IAM User Guide, "Grammar of the IAM JSON policy language".
func parseTrust(text string) (trustPolicy, error) {
	policy, err := readTrust(text)
	if err != nil {
		return nil, fmt.Errorf("%w: read trust policy: %w", ErrPolicy, err)
	}
	return policy, nil
}

func readTrust(text string) (trustPolicy, error) {
	top, err := members(jsontext.Value(text))
	if err != nil {
		return nil, err
	}
	for key := range top {
		if key != "Version" && key != "Id" && key != "Statement" {
			return nil, fmt.Errorf("unknown element %q", key)
		}
	}
	version, err := text1(top["Version"])
	if err != nil || version != version2012 {
		return nil, errors.New("the Version is not " + version2012)
	}
	var policy trustPolicy
	for i, v := range oneOrMore(top["Statement"]) {
		s, err := readTrustStatement(v)
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i, err)
		}
		policy = append(policy, s)
	}
	return policy, nil
}

func readTrustStatement(v jsontext.Value) (trustStatement, error) {
	elements, err := members(v)
	if err != nil {
		return trustStatement{}, err
	}
	for _, name := range []string{"Resource", "NotResource", "NotPrincipal"} {
		if _, ok := elements[name]; ok {
			return trustStatement{}, fmt.Errorf("%s: a trust policy has none", name)
		}
	}
	principals, err := readPrincipals(elements["Principal"])
	if err != nil {
		return trustStatement{}, fmt.Errorf("Principal: %w", err)
	}
	delete(elements, "Principal")
	elements["Resource"] = jsontext.Value(`"*"`) // the role itself
	plain, err := json.Marshal(elements)
	if err != nil {
		return trustStatement{}, err
	}
	s, err := readStatement(plain, true)
	return trustStatement{s, principals}, err
}

func readPrincipals(v jsontext.Value) ([]string, error) {
	if v.Kind() == '"' {
		if s, err := text1(v); err != nil || s != "*" {
			return nil, errors.New(`a principal is "*" or an object`)
		}
		return []string{"*"}, nil
	}
	kinds, err := members(v)
	if err != nil {
		return nil, err
	}
	var principals []string
	for kind, v := range kinds {
		names, err := texts(v)
		switch {
		case err != nil:
			return nil, err
		case kind == "AWS":
			principals = append(principals, names...)
		case kind != "Service" && kind != "Federated" && kind != "CanonicalUser":
			return nil, fmt.Errorf("unknown kind %q", kind)
		}
	}
	return principals, nil
}

// trustedBy reports whether the role's trust lets the caller do this.
func (c *call) trustedBy(r *role, x access) bool {
	if r.Trust == "" {
		return r.trusts(c.caller, x.action)
	}
	return r.trust.admits(c.caller, question{x.action, x.resource, c.requestKeys().with(x.keys)})
}

// admits reports whether the policy allows the caller what is asked: no Deny
// is about it, and an Allow is.
func (t trustPolicy) admits(p principal, q question) bool {
	allowed := false
	for _, s := range t {
		if !s.about(p) || !s.matches(q) {
			continue
		}
		if s.deny {
			return false
		}
		allowed = true
	}
	return allowed
}

// about reports whether the statement is about the caller.
func (s trustStatement) about(p principal) bool {
	return slices.ContainsFunc(s.principals, func(name string) bool {
		whole := strings.HasPrefix(name, "arn:") && strings.HasSuffix(name, ":iam::"+p.account+":root")
		return name == "*" || name == p.account || whole || name == p.arn || name == p.iamARN
	})
}
