package grant

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// Terms is what configuration adds to every order of a persona.
type Terms struct {
	ExternalID      string
	PassTags        []string          // names of principal tags that become session tags
	SetTags         map[string]string // session tags, whoever calls
	Transitive      []string          // keys of session tags
	InheritIdentity bool              // see Order
}

// Add puts the terms into o. Of the principal's tags it takes those that
// configuration names; the order's own tags always win.
func (t Terms) Add(o *Order, principal map[string]string) {
	tags := maps.Clone(t.SetTags)
	if tags == nil {
		tags = map[string]string{}
	}
	for _, name := range t.PassTags {
		if value, ok := principal[name]; ok {
			tags[name] = value
		}
	}
	maps.Copy(tags, o.Tags)
	o.Tags, o.ExternalID, o.InheritIdentity = tags, t.ExternalID, t.InheritIdentity
	o.Transitive = slices.DeleteFunc(slices.Clone(t.Transitive), func(key string) bool { _, ok := tags[key]; return !ok })
}

// Source: STS API reference, Tag.
var tagValueForm = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// request is the AssumeRole of o. A tag that STS would not take refuses the
// call: without it the role could allow more, or deny less.
func request(o Order, policy string) (*sts.AssumeRoleInput, error) {
	in := &sts.AssumeRoleInput{
		RoleArn:           aws.String(o.Role),
		RoleSessionName:   aws.String(SessionPrefix + o.DecisionID),
		Policy:            aws.String(policy),
		DurationSeconds:   aws.Int32(int32(MinLife / time.Second)),
		TransitiveTagKeys: slices.Sorted(slices.Values(o.Transitive)),
	}
	if !o.InheritIdentity {
		in.SourceIdentity = aws.String(o.SourceIdentity)
	}
	if o.ExternalID != "" {
		in.ExternalId = aws.String(o.ExternalID)
	}
	for _, k := range slices.Sorted(maps.Keys(o.Tags)) {
		v := o.Tags[k]
		if utf8.RuneCountInString(v) > 256 || !tagValueForm.MatchString(v) {
			return nil, fmt.Errorf("%w: assume role %s: the value of the caller's tag %s cannot be a session tag (at most 256 letters, digits, spaces and _ . : / = + - @); take the tag out of the persona's session_tags, or change it where the caller gets it", ErrCredentials, o.Role, k)
		}
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	return in, nil
}

// checkIdentity makes sure that AWS's log names whom it should. Emulators may
// leave the source identity out of their answer; AWS does not.
func (o Order) checkIdentity(got string) error {
	switch {
	case o.InheritIdentity && got == "":
		return fmt.Errorf("%w: assume role %s: aws.source_identity is inherit, and the proxy's own session has no source identity; set it to principal", ErrCredentials, o.Role)
	case !o.InheritIdentity && got != "" && got != o.SourceIdentity:
		return fmt.Errorf("%w: assume role %s: AWS gave the session another source identity than the caller's; if the proxy's own session has one, set aws.source_identity to inherit", ErrCredentials, o.Role)
	}
	return nil
}
