package grant

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// Fault table: clock skew. Whatever this machine's clock says, AWS lets the
// call work until its end and no longer.
func TestAWrongClockNeitherShortensNorProlongsAGrant(t *testing.T) {
	for _, ahead := range []time.Duration{-10 * time.Minute, -3 * time.Minute, -8 * time.Second, 0, 8 * time.Second, 3 * time.Minute, 10 * time.Minute} {
		t.Run(fmt.Sprintf("AWS is %s ahead", ahead), func(t *testing.T) {
			bubble(t, ahead, func(t *testing.T, a *fakeaws.AWS, b *Broker, config aws.Config, role string) {
				a.AddService("shop", "checkout", nil)
				o := order(role)
				g, err := b.Mint(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				if !g.Until.Equal(o.Deadline.Add(Margin)) || (g.Skew-ahead).Abs() > 2*time.Second || (g.Expires.Sub(time.Now())-MinLife).Abs() > 2*time.Second {
					t.Errorf("until %v, expires %v, skew %v", g.Until, g.Expires, g.Skew)
				}
				config.Credentials = credentials.NewStaticCredentialsProvider(g.AccessKeyID, g.secret.reveal(), g.token.reveal())
				client := ecs.NewFromConfig(config)
				read := func() error {
					_, err := client.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"checkout"}})
					return err
				}
				if err := read(); err != nil {
					t.Errorf("at once: %v", err)
				}
				time.Sleep(time.Until(o.Deadline))
				if err := read(); err != nil {
					t.Errorf("at the call's deadline: %v", err)
				}
				time.Sleep(Margin + clockTolerance + 2*time.Second)
				if err := read(); err == nil || !strings.Contains(err.Error(), "explicit deny") {
					t.Errorf("after it: %v", err)
				}
			})
		})
	}
}

func TestAWrongClockCostsOneRequestMoreAndOnlyOnce(t *testing.T) {
	bubble(t, 3*time.Minute, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		for i, want := range []int{2, 3, 4} {
			if _, err := b.Mint(t.Context(), order(role)); err != nil || len(a.Sessions()) != want {
				t.Errorf("call %d: %d sessions, %v", i, len(a.Sessions()), err)
			}
		}
	})
}

func TestAClockThatIsSetRightIsNoticed(t *testing.T) {
	ahead := 10 * time.Minute
	bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		b.clock.set(ahead) // as it was before
		g, err := b.Mint(t.Context(), order(role))
		if err != nil || g.Skew.Abs() > 2*time.Second || b.clock.offset().Abs() > 2*time.Second {
			t.Errorf("skew %v, offset %v, %v", g.Skew, b.clock.offset(), err)
		}
		if !strings.Contains(g.Policy, g.Until.UTC().Format(time.RFC3339)) && !strings.Contains(g.Policy, g.Until.Add(-time.Second).UTC().Format(time.RFC3339)) {
			t.Errorf("the policy ends otherwise than at %v: %s", g.Until, g.Policy)
		}
	})
}

// wandering is an STS whose clock gains half a minute with each answer, and
// whose Date something on the way took out.
type wandering struct {
	STS
	answers *time.Duration
}

func (w wandering) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, options ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	out, err := w.STS.AssumeRole(ctx, in, options...)
	if err != nil {
		return nil, err
	}
	*w.answers++
	out.Credentials.Expiration = aws.Time(out.Credentials.Expiration.Add(*w.answers * 30 * time.Second))
	out.ResultMetadata = middleware.Metadata{}
	return out, nil
}

func TestAClockThatDoesNotStandIsRefused(t *testing.T) {
	bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		b.sts = wandering{b.sts, new(time.Duration)}
		g, err := b.Mint(t.Context(), order(role))
		if g != nil || !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "move against each other") || len(a.Sessions()) != 2 {
			t.Errorf("%v, %v, %d sessions", g, err, len(a.Sessions()))
		}
	})
}

func TestKeysThatEndBeforeTheCallAreNotLent(t *testing.T) {
	bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		b.sts = brief{b.sts}
		if g, err := b.Mint(t.Context(), order(role)); g != nil || !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "STS lent keys until") {
			t.Errorf("%v, %v", g, err)
		}
	})
}

// brief is an STS whose keys end at once.
type brief struct{ STS }

func (b brief) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, options ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	out, err := b.STS.AssumeRole(ctx, in, options...)
	if err == nil {
		out.Credentials.Expiration = aws.Time(time.Now())
	}
	return out, err
}

// A clock that is set between the call and its grant moves no end.
func TestAnEndIsKeptWhenTheClockIsSet(t *testing.T) {
	end := time.Now().Add(time.Minute)
	if got := asOfNow(end); got.Sub(end).Abs() > time.Millisecond || got.Round(0).Sub(end.Round(0)).Abs() > time.Second {
		t.Errorf("%v becomes %v", end, got)
	}
	if got := asOfNow(end.Round(0)); got.Sub(end.Round(0)).Abs() > time.Millisecond { // without a monotonic reading there is nothing to go by
		t.Errorf("%v becomes %v", end, got)
	}
}
