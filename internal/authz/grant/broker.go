package grant

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sts"
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
	sts   STS
	retry *retry.Standard // its budget of retries is of all calls together
	clock clock

	mu      sync.Mutex
	reads   map[string]*Grant  // by scope
	flights map[string]*flight // by scope
}

// NewBroker returns a Broker that assumes roles through sts.
func NewBroker(sts STS) *Broker {
	return &Broker{sts: sts, retry: newRetry(), reads: map[string]*Grant{}, flights: map[string]*flight{}}
}

// Mint returns a grant for o: a living one of the same scope if o is reusable
// and that one lasts until the call's deadline plus Margin, a new one else.
// Equal reusable orders at the same time cost one AssumeRole. While STS is
// down, a living grant goes on serving its scope until its end.
// Errors are ErrNothingGrantable, ErrPolicySize, ErrSessionDeny or ErrCredentials.
func (b *Broker) Mint(ctx context.Context, o Order) (*Grant, error) {
	scope, err := o.Scope()
	if err != nil {
		return nil, err
	}
	end := o.Deadline.Add(Margin)
	if !o.Reusable || end.After(time.Now().Add(ReuseWindow)) {
		return b.assume(ctx, o, end)
	}
	for range 2 { // one that was ordered before this call may end too early, the next cannot
		g, err := b.share(ctx, scope, o, end)
		if err != nil || g.lasts(end) {
			return g, err
		}
	}
	return b.assume(ctx, o, end) // but for a clock that was set meanwhile
}

// share returns the scope's living grant, or waits for the one that is on its
// way, or orders it.
func (b *Broker) share(ctx context.Context, scope string, o Order, end time.Time) (*Grant, error) {
	b.mu.Lock()
	now := time.Now()
	maps.DeleteFunc(b.reads, func(_ string, g *Grant) bool { return !g.lasts(now) })
	if g := b.reads[scope]; g != nil && g.lasts(end) {
		b.mu.Unlock()
		return g.again(), nil
	}
	f := b.flights[scope]
	leads := f == nil
	if leads {
		f = b.start(ctx, scope, o)
	}
	f.waiting++
	b.mu.Unlock()
	g, err := b.wait(ctx, scope, f)
	if err != nil {
		if ctx.Err() != nil {
			err = failure(ctx.Err(), o, 0)
		}
		return nil, err
	}
	if !leads {
		g = g.again()
	}
	return g, nil
}
