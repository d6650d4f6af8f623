package grant

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// assume mints a grant that AWS ends at until. The end is written in AWS's
// time: if the answer shows that this machine's clock is off by more than was
// thought, the grant is dropped unused and minted once more. What is renewed
// ends with its keys at the latest.
func (b *Broker) assume(ctx context.Context, o Order, until time.Time) (*Grant, error) {
	until = asOfNow(until)
	if last := time.Now().Add(MinLife - clockTolerance); until.After(last) && o.Renews {
		until = last
	} else if until.After(last) {
		return nil, fmt.Errorf("%w: the call may last until %s and a session lasts %s", ErrCredentials, until.UTC().Format(time.RFC3339), MinLife)
	}
	for range 2 {
		offset := b.clock.offset()
		g, measured, err := b.mint(ctx, o, until, offset)
		if err != nil {
			return nil, err
		}
		if (measured - offset).Abs() <= clockTolerance {
			return g, nil
		}
		b.clock.set(measured)
	}
	return nil, fmt.Errorf("%w: assume role %s: this machine's clock and AWS's move against each other, so nobody can say when AWS would end the call's credentials; set the clock and try again", ErrCredentials, o.Role)
}

// mint sends one AssumeRole, whose policy ends at until by a clock that is
// offset ahead of this machine's, and says how far ahead AWS's clock is.
func (b *Broker) mint(ctx context.Context, o Order, until time.Time, offset time.Duration) (*Grant, time.Duration, error) {
	policy, err := Compile(o.Items, o.Region, until.Add(offset), o.Denies...)
	if err != nil {
		return nil, 0, err
	}
	in, err := request(o, policy)
	if err != nil {
		return nil, 0, err
	}
	patience := &patience{Standard: b.retry}
	patience.deadline, _ = ctx.Deadline()
	out, err := b.sts.AssumeRole(ctx, in, func(options *sts.Options) { options.Retryer = patience })
	if err != nil {
		return nil, 0, failure(err, o, patience.attempts)
	}
	c := out.Credentials
	if c == nil || aws.ToString(c.AccessKeyId) == "" || aws.ToString(c.SecretAccessKey) == "" ||
		aws.ToString(c.SessionToken) == "" || c.Expiration == nil {
		return nil, 0, fmt.Errorf("%w: assume role %s: incomplete answer", ErrCredentials, o.Role)
	}
	if err := o.checkIdentity(aws.ToString(out.SourceIdentity)); err != nil {
		return nil, 0, err
	}
	measured := measure(out.ResultMetadata, *c.Expiration)
	expires := c.Expiration.Add(-measured)
	if expires.Before(until.Add(-clockTolerance)) {
		return nil, 0, fmt.Errorf("%w: assume role %s: STS lent keys until %s, and the call may last until %s", ErrCredentials, o.Role,
			expires.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339))
	}
	return &Grant{
		AccessKeyID: *c.AccessKeyId, secret: hide(*c.SecretAccessKey), token: hide(*c.SessionToken),
		SessionName: *in.RoleSessionName, Role: o.Role, Policy: policy,
		PackedSize: int(aws.ToInt32(out.PackedPolicySize)), Until: until, Expires: expires, Skew: measured,
	}, measured, nil
}
