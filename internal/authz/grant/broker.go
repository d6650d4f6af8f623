package grant

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ErrCredentials is the class of everything that keeps AWS from lending
// credentials. There is no fallback: the call is refused.
var ErrCredentials = errors.New("no credentials")

// BaseHint says where the proxy's own credentials come from.
const BaseHint = "give its environment AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role (in mcp.json: \"env\")"

// STS is the one call the broker makes; *sts.Client has it.
type STS interface {
	AssumeRole(context.Context, *sts.AssumeRoleInput, ...func(*sts.Options)) (*sts.AssumeRoleOutput, error)
}

// Broker mints grants and lends those of equal non-sensitive reads again. It
// is safe for concurrent use.
type Broker struct {
	sts STS

	mu    sync.Mutex
	reads map[string]*Grant // by scope
}

// NewBroker returns a Broker that assumes roles through sts.
func NewBroker(sts STS) *Broker { return &Broker{sts: sts, reads: map[string]*Grant{}} }

// Mint returns a grant for o: a living one of the same scope if o is reusable
// and that one lasts until the call's deadline plus Margin, a new one else.
// Errors are ErrNothingGrantable, ErrPolicySize or ErrCredentials.
func (b *Broker) Mint(ctx context.Context, o Order) (*Grant, error) {
	scope, err := o.Scope()
	if err != nil {
		return nil, err
	}
	end := o.Deadline.Add(Margin)
	if !o.Reusable || end.After(time.Now().Add(ReuseWindow)) {
		return b.assume(ctx, o, end)
	}
	if g := b.living(scope, end); g != nil {
		return g, nil
	}
	g, err := b.assume(ctx, o, time.Now().Add(ReuseWindow))
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads[scope] = g
	return g, nil
}

func (b *Broker) living(scope string, end time.Time) *Grant {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(b.reads, func(_ string, g *Grant) bool { return !g.Until.After(now) })
	g := b.reads[scope]
	if g == nil || g.Until.Before(end.Truncate(time.Second)) {
		return nil
	}
	again := *g
	again.Reused = true
	return &again
}

func (b *Broker) assume(ctx context.Context, o Order, until time.Time) (*Grant, error) {
	until = until.Truncate(time.Second)
	if until.After(time.Now().Add(MinLife)) {
		return nil, fmt.Errorf("%w: the call may last until %s and a session lasts %s", ErrCredentials, until.UTC().Format(time.RFC3339), MinLife)
	}
	policy, err := Compile(o.Items, o.Region, until, o.Denies...)
	if err != nil {
		return nil, err
	}
	in := &sts.AssumeRoleInput{
		RoleArn:         aws.String(o.Role),
		RoleSessionName: aws.String(SessionPrefix + o.DecisionID),
		SourceIdentity:  aws.String(o.SourceIdentity),
		Policy:          aws.String(policy),
		DurationSeconds: aws.Int32(int32(MinLife / time.Second)),
	}
	for _, k := range slices.Sorted(maps.Keys(o.Tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(k), Value: aws.String(o.Tags[k])})
	}
	out, err := b.sts.AssumeRole(ctx, in)
	if err != nil {
		return nil, explain(err, o.Role)
	}
	c := out.Credentials
	if c == nil || aws.ToString(c.AccessKeyId) == "" || aws.ToString(c.SecretAccessKey) == "" ||
		aws.ToString(c.SessionToken) == "" || c.Expiration == nil {
		return nil, fmt.Errorf("%w: assume role %s: incomplete answer", ErrCredentials, o.Role)
	}
	return &Grant{
		AccessKeyID: *c.AccessKeyId, secret: hide(*c.SecretAccessKey), token: hide(*c.SessionToken),
		SessionName: *in.RoleSessionName, Role: o.Role, Policy: policy,
		PackedSize: int(aws.ToInt32(out.PackedPolicySize)), Until: until, Expires: *c.Expiration,
	}, nil
}

// explain keeps AWS's code and message, which hold no secret, and says where
// to look. The SDK's own text is left out: it can quote the request.
func explain(err error, role string) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return fmt.Errorf("%w: assume role %s: no answer from STS in time", ErrCredentials, role)
		}
		if unsent := new(smithyhttp.RequestSendError); errors.As(err, &unsent) {
			return fmt.Errorf("%w: assume role %s: STS cannot be reached; check the network, the region and the endpoint", ErrCredentials, role)
		}
		return fmt.Errorf("%w: assume role %s: the proxy has no AWS credentials of its own; %s", ErrCredentials, role, BaseHint)
	}
	hint := ""
	switch api.ErrorCode() {
	case "AccessDenied":
		hint = "; the role's trust policy must let the proxy's own identity call sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity"
	case "PackedPolicyTooLarge":
		return fmt.Errorf("%w: AWS's packed limit: ask for fewer resources in one call", ErrPolicySize)
	case "RegionDisabledException":
		hint = "; STS is switched off in this region"
	}
	return fmt.Errorf("%w: assume role %s: %s: %s%s", ErrCredentials, role, api.ErrorCode(), api.ErrorMessage(), hint)
}
