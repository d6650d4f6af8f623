package grant

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// long is an order for a call of an hour.
func long(role string) Order {
	o := order(role)
	o.Renews, o.Deadline = true, time.Now().Add(time.Hour)
	return o
}

func TestALongCallAlwaysHasAGrantAndNoneAfterItsEnd(t *testing.T) {
	for _, ahead := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute} {
		bubble(t, ahead, func(t *testing.T, a *fakeaws.AWS, b *Broker, config aws.Config, role string) {
			a.AddService("shop", "checkout", nil)
			o := long(role)
			current, err := b.Mint(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			lent := []*Grant{current}
			read := func(g *Grant) error {
				config.Credentials = credentials.NewStaticCredentialsProvider(g.AccessKeyID, g.secret.reveal(), g.token.reveal())
				_, err := ecs.NewFromConfig(config).DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"checkout"}})
				return err
			}
			kept := make(chan error, 1)
			next := make(chan *Grant)
			go func() {
				kept <- b.Keep(t.Context(), o, current, func(g *Grant) error { next <- g; return nil })
			}()
			for time.Now().Before(o.Deadline) {
				select {
				case g := <-next:
					lent = append(lent, g)
				case <-time.After(30 * time.Second):
				}
				if err := read(lent[len(lent)-1]); err != nil {
					t.Fatalf("%v before its deadline, on grant %d: %v", time.Until(o.Deadline), len(lent), err)
				}
			}
			if err := <-kept; err != nil || len(lent) != 5 {
				t.Errorf("%d grants, %v", len(lent), err)
			}
			time.Sleep(Margin + clockTolerance + 2*time.Second)
			for i, g := range lent {
				if g.Until.After(g.Expires) || g.Until.After(o.Deadline.Add(Margin)) {
					t.Errorf("grant %d lasts until %v, its keys until %v", i, g.Until, g.Expires)
				}
				if err := read(g); err == nil {
					t.Errorf("grant %d works after the call's end", i)
				}
			}
		})
	}
}

func TestTheEndOfACallEndsItsRenewal(t *testing.T) {
	bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		o := long(role)
		g, err := b.Mint(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		if err := b.Keep(ctx, o, g, func(*Grant) error { return nil }); err != nil {
			t.Error(err)
		}
		if n := len(a.Sessions()); n != 2 {
			t.Errorf("%d sessions in 20 minutes", n)
		}
		broken := errors.New("not on record")
		if err := b.Keep(t.Context(), o, g, func(*Grant) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("what cannot be lent: %v", err)
		}
	})
}

func TestARenewalOutlastsAnSTSThatIsAwayForAMinute(t *testing.T) {
	for away, lost := range map[time.Duration]bool{time.Minute: false, 10 * time.Minute: true} {
		bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
			o := long(role)
			g, err := b.Mint(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			last := g
			time.AfterFunc(MinLife-clockTolerance-renewAhead-time.Second, func() { a.Fail("sts:AssumeRole", -1, fakeaws.Failure{Code: "ServiceUnavailable", Status: 503}) })
			time.AfterFunc(MinLife-clockTolerance-renewAhead+away, func() { a.Fail("sts:AssumeRole", 0, fakeaws.Failure{}) })
			err = b.Keep(t.Context(), o, g, func(g *Grant) error { last = g; return nil })
			if (err != nil) != lost || lost && (!errors.Is(err, ErrCredentials) || last != g || time.Now().After(g.Until)) {
				t.Errorf("away for %v: %v", away, err)
			}
		})
	}
}

func TestWhoDoesNotRenewGetsNoLongGrant(t *testing.T) {
	bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		o := long(role)
		o.Renews = false
		if g, err := b.Mint(t.Context(), o); g != nil || !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "a session lasts 15m0s") || len(a.Requests()) != 0 {
			t.Errorf("%v, %v", g, err)
		}
	})
}
