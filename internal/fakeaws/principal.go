package fakeaws

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Key is a user's long-term access key.
type Key struct{ ID, Secret string }

// Role is what AddRole makes. Policies are JSON documents.
type Role struct {
	Name     string
	Identity []string
	Boundary string // empty: none
	// Trusted lists the ARNs of the users, roles and role sessions that may
	// assume the role; empty means every principal of the account.
	Trusted []string
	// Account is the role's; empty means the fake's own. A role of another
	// account trusts nobody that Trusted does not name.
	Account string
	// Untrusted lists the actions that the trust policy does not allow anybody,
	// such as sts:TagSession.
	Untrusted []string
	// Trust is a trust policy, a JSON document. It takes the place of Trusted.
	Trust string
	// ExternalID, if set, must be given to AssumeRole.
	ExternalID string
	MaxSession time.Duration // 1 h to 12 h; zero means 1 h
}

type role struct {
	Role
	arn, id string
	layers  []layer // identity and boundary
	trust   trustPolicy
}

// A principal is who a key belongs to: a user, or a session of a role.
type principal struct {
	arn      string // as AWS names the caller
	iamARN   string // the user, or the role behind the session: aws:PrincipalArn
	kind     string // aws:PrincipalType
	userID   string
	account  string
	username string // users only
	layers   []layer
	session  *session // sessions only
}

// An accessKey is a secret and whose it is.
type accessKey struct {
	id, secret string
	principal  principal
}

// A session is what AssumeRole adds to its role.
type session struct {
	token, name, sourceIdentity string
	tags                        map[string]string
	transitive                  []string // keys of tags that chained sessions inherit
	issued, expires             time.Time
}

var namePattern = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// maxManagedPolicy is the size of a policy without its white space.
// Source: IAM User Guide, "IAM and AWS STS quotas".
const maxManagedPolicy = 6144

// AddUser makes an IAM user with identity policies and returns its access key.
// Its error is of class ErrPolicy if IAM would not take a policy.
func (a *AWS) AddUser(name string, policies ...string) (Key, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	arn := a.iamARN("user/" + name)
	if !namePattern.MatchString(name) || a.users[arn] {
		return Key{}, fmt.Errorf("add user: %q is taken or not a name", name)
	}
	identity, err := newLayer(identityLayer, policies)
	if err != nil {
		return Key{}, fmt.Errorf("add user %s: %w", name, err)
	}
	k := newKey("AKIA")
	k.principal = principal{arn: arn, iamARN: arn, kind: "User", account: a.account, userID: newID("AIDA"), username: name, layers: []layer{identity}}
	a.users[arn] = true
	a.keys[k.id] = k
	return Key{k.id, k.secret}, nil
}

// AddRole makes an IAM role and returns its ARN. Its error is of class
// ErrPolicy if IAM would not take a policy.
func (a *AWS) AddRole(r Role) (arn string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.Account = cmp.Or(r.Account, a.account)
	arn = "arn:" + a.partition + ":iam::" + r.Account + ":role/" + r.Name
	if !namePattern.MatchString(r.Name) || a.roles[arn] != nil {
		return "", fmt.Errorf("add role: %q is taken or not a name", r.Name)
	}
	if r.MaxSession == 0 {
		r.MaxSession = time.Hour
	}
	if r.MaxSession < time.Hour || r.MaxSession > 12*time.Hour {
		return "", errors.New("add role: MaxSession is outside 1 h to 12 h")
	}
	identity, err := newLayer(identityLayer, r.Identity)
	if err != nil {
		return "", fmt.Errorf("add role %s: %w", r.Name, err)
	}
	layers := []layer{identity}
	if r.Boundary != "" {
		boundary, err := newLayer(boundaryLayer, []string{r.Boundary})
		if err != nil {
			return "", fmt.Errorf("add role %s: %w", r.Name, err)
		}
		layers = append(layers, boundary)
	}
	var trust trustPolicy
	if r.Trust != "" {
		if trust, err = parseTrust(r.Trust); err != nil {
			return "", fmt.Errorf("add role %s: %w", r.Name, err)
		}
	}
	r.Trusted, r.Untrusted = slices.Clone(r.Trusted), slices.Clone(r.Untrusted)
	a.roles[arn] = &role{Role: r, arn: arn, id: newID("AROA"), layers: layers, trust: trust}
	return arn, nil
}

func newLayer(kind layerKind, policies []string) (layer, error) {
	l := layer{kind: kind}
	for i, text := range policies {
		visible := strings.Join(strings.FieldsFunc(text, unicode.IsSpace), "")
		if len(visible) > maxManagedPolicy {
			return layer{}, fmt.Errorf("%w: %d characters without white space, at most %d", ErrPolicy, len(visible), maxManagedPolicy)
		}
		d, err := parsePolicy(fmt.Sprintf("%s%d", kind, i), text)
		if err != nil {
			return layer{}, err
		}
		l.documents = append(l.documents, d)
	}
	return l, nil
}

// trusts reports whether the role's trust policy lets the caller do the action.
func (r *role) trusts(p principal, action string) bool {
	if slices.Contains(r.Untrusted, action) {
		return false
	}
	return len(r.Trusted) == 0 && r.Account == p.account || slices.Contains(r.Trusted, p.arn) || slices.Contains(r.Trusted, p.iamARN)
}

// newSession makes the key of a session of the role.
func (r *role) newSession(arn string, s session, policy *layer) *accessKey {
	k := newKey("ASIA")
	layers := slices.Clone(r.layers)
	if policy != nil {
		layers = append(layers, *policy)
	}
	s.tags = maps.Clone(s.tags)
	s.token = rand.Text() + rand.Text() + rand.Text() + rand.Text()
	k.principal = principal{arn: arn, iamARN: r.arn, kind: "AssumedRole", account: r.Account, userID: r.id + ":" + s.name, layers: layers, session: &s}
	return k
}

// keys are the condition keys that say who calls.
func (p principal) keys() keys {
	k := keys{}
	k.one("aws:PrincipalArn", p.iamARN)
	k.one("aws:PrincipalAccount", p.account)
	k.one("aws:PrincipalType", p.kind)
	k.one("aws:userid", p.userID)
	if p.username != "" {
		k.one("aws:username", p.username)
	}
	if s := p.session; s != nil {
		k.tags("aws:PrincipalTag", s.tags)
		k.one("aws:TokenIssueTime", s.issued.UTC().Format(time.RFC3339))
		k.one("aws:MultiFactorAuthPresent", "false")
		if s.sourceIdentity != "" {
			k.one("aws:SourceIdentity", s.sourceIdentity)
		}
	}
	return k
}

func (a *AWS) iamARN(resource string) string {
	return "arn:" + a.partition + ":iam::" + a.account + ":" + resource
}

func newID(prefix string) string { return prefix + rand.Text()[:16] }

func newKey(prefix string) *accessKey {
	return &accessKey{id: newID(prefix), secret: (rand.Text() + rand.Text())[:40]}
}
