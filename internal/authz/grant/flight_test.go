package grant

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// direct serves requests without a network, so that a bubble's time goes on.
type direct struct{ http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), r.Body)
	in.Header, in.Host, in.ContentLength, in.RequestURI = r.Header, r.URL.Host, r.ContentLength, "/"
	d.ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// bubble runs f in virtual time with a strict AWS on a clock that is ahead of
// this machine's.
func bubble(t *testing.T, ahead time.Duration, f func(t *testing.T, a *fakeaws.AWS, b *Broker, config aws.Config, role string)) {
	synctest.Test(t, func(t *testing.T) {
		a := fakeaws.New(fakeaws.Config{Now: func() time.Time { return time.Now().Add(ahead) }})
		key, err := a.AddUser("proxy", mayAssume)
		if err != nil {
			t.Fatal(err)
		}
		role, err := a.AddRole(fakeaws.Role{Name: "mcp", Identity: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}})
		if err != nil {
			t.Fatal(err)
		}
		config := aws.Config{Region: region, BaseEndpoint: aws.String("http://sts.test"), HTTPClient: direct{a.Handler()},
			Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, "")}
		f(t, a, NewBroker(sts.NewFromConfig(config)), config, role)
		for _, v := range a.Violations() {
			t.Errorf("AWS saw a violation: %s", v)
		}
	})
}

func read(role string) Order {
	o := order(role)
	o.Reusable = true
	return o
}

func TestEqualReadsAtOnceCostOneRequest(t *testing.T) {
	bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		a.Fail("sts:AssumeRole", -1, fakeaws.Failure{Delay: time.Second})
		var all sync.WaitGroup
		grants := make([]*Grant, 50)
		for i := range grants {
			all.Go(func() {
				var err error
				if grants[i], err = b.Mint(t.Context(), read(role)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		first := 0
		for _, g := range grants {
			if g.AccessKeyID != grants[0].AccessKeyID {
				t.Error("different grants")
			}
			if !g.Reused {
				first++
			}
		}
		if len(a.Requests()) != 1 || first != 1 {
			t.Errorf("%d requests, %d grants that are nobody else's", len(a.Requests()), first)
		}
	})
}

func TestAWarmReadCostsNoRequestAndAColdOneExactlyOne(t *testing.T) {
	bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		for i, want := range []int{1, 1, 1} {
			if _, err := b.Mint(t.Context(), read(role)); err != nil || len(a.Requests()) != want {
				t.Errorf("read %d: %d requests, %v", i, len(a.Requests()), err)
			}
		}
		if _, err := b.Mint(t.Context(), order(role)); err != nil || len(a.Requests()) != 2 {
			t.Errorf("a write: %d requests, %v", len(a.Requests()), err)
		}
	})
}

func TestACancelledCallDoesNotFailThoseThatWaitWithIt(t *testing.T) {
	bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		a.Fail("sts:AssumeRole", -1, fakeaws.Failure{Delay: 10 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if g, err := b.Mint(ctx, read(role)); g != nil || !errors.Is(err, ErrCredentials) {
				t.Errorf("the cancelled one: %v, %v", g, err)
			}
		})
		synctest.Wait()
		for range 3 {
			all.Go(func() {
				if _, err := b.Mint(t.Context(), read(role)); err != nil {
					t.Errorf("one that waits: %v", err)
				}
			})
		}
		synctest.Wait()
		cancel()
		all.Wait()
		if n := len(a.Requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestWhatNobodyWaitsForIsGivenUp(t *testing.T) {
	bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		a.Fail("sts:AssumeRole", -1, fakeaws.Failure{Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := b.Mint(ctx, read(role))
		if !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "no answer from STS in time") || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		synctest.Wait() // the bubble's end would find a request that goes on
		a.Fail("sts:AssumeRole", 0, fakeaws.Failure{})
		if g, err := b.Mint(t.Context(), read(role)); err != nil || g.Reused {
			t.Errorf("the next one: %v, %v", g, err)
		}
	})
}

func TestARefusalIsToldToAllAndNotRemembered(t *testing.T) {
	bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		a.Fail("sts:AssumeRole", 1, fakeaws.Failure{Code: "RegionDisabledException", Delay: time.Second})
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := b.Mint(t.Context(), read(role)); err == nil || !strings.Contains(err.Error(), "switched off") {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := len(a.Requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
		if _, err := b.Mint(t.Context(), read(role)); err != nil {
			t.Error(err)
		}
	})
}

func TestAPanicEndsTheOneGrant(t *testing.T) {
	b := NewBroker(panicking{})
	if g, err := b.Mint(t.Context(), read("arn:aws:iam::123456789012:role/mcp")); g != nil || !errors.Is(err, ErrCredentials) {
		t.Errorf("%v, %v", g, err)
	}
}

type panicking struct{}

func (panicking) AssumeRole(context.Context, *sts.AssumeRoleInput, ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	panic("broken")
}

// A grant that was ordered earlier may end before this call does.
func TestAReadNeverGetsAGrantThatEndsBeforeIt(t *testing.T) {
	bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		a.Fail("sts:AssumeRole", -1, fakeaws.Failure{Delay: 10 * time.Second})
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := b.Mint(t.Context(), read(role)); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(5 * time.Second)
		late := read(role)
		late.Deadline = time.Now().Add(ReuseWindow - Margin - time.Second)
		g, err := b.Mint(t.Context(), late)
		if err != nil || g.Until.Before(late.Deadline.Add(Margin)) {
			t.Errorf("%v, %v", g, err)
		}
		all.Wait()
		if n := len(a.Requests()); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}

// Fault table: STS down. A grant that lives serves its scope until its end.
func TestWhileSTSIsDownALivingGrantServesItsScopeUntilItsEnd(t *testing.T) {
	bubble(t, 0, func(t *testing.T, a *fakeaws.AWS, b *Broker, _ aws.Config, role string) {
		first, err := b.Mint(t.Context(), read(role))
		if err != nil {
			t.Fatal(err)
		}
		a.Fail("sts:AssumeRole", -1, fakeaws.Failure{Code: "ServiceUnavailable", Status: 503})
		if g, err := b.Mint(t.Context(), read(role)); err != nil || g.AccessKeyID != first.AccessKeyID {
			t.Errorf("an equal read: %v, %v", g, err)
		}
		other := read(role)
		other.SourceIdentity = "bob-1"
		for name, o := range map[string]Order{"another caller's": other, "a write": order(role)} {
			if g, err := b.Mint(t.Context(), o); g != nil || !errors.Is(err, ErrCredentials) {
				t.Errorf("%s: %v, %v", name, g, err)
			}
		}
		time.Sleep(ReuseWindow - Margin - time.Minute + 2*time.Second) // now a call of a minute would outlive it
		if g, err := b.Mint(t.Context(), read(role)); g != nil || !errors.Is(err, ErrCredentials) {
			t.Errorf("a call that would outlive it: %v, %v", g, err)
		}
	})
}

func TestAClockThatIsSetBackProlongsNothing(t *testing.T) {
	now := time.Now()
	g := &Grant{Until: now.Add(time.Minute)}
	wall := func(d time.Duration) time.Time { return now.Add(d).Round(0) }
	for name, tt := range map[string]struct {
		end  time.Time
		want bool
	}{
		"before its end":               {now.Add(59 * time.Second), true},
		"at its end":                   {now.Add(time.Minute), true},
		"after its end":                {now.Add(61 * time.Second), false},
		"after its end, by wall clock": {wall(61*time.Second + clockTolerance), false}, // a machine that slept
	} {
		if got := g.lasts(tt.end); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
