package grant

import (
	"sync/atomic"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// clockTolerance is how far this machine's clock may be from AWS's before the
// end of a grant is written in AWS's time. It leaves most of Margin, which a
// call that ends late needs as well.
const clockTolerance = 10 * time.Second

// clock remembers how far AWS's clock is ahead of this machine's. The SDK
// corrects its signatures in the same way, by itself; a session policy's
// aws:CurrentTime it knows nothing of.
type clock struct{ ahead atomic.Int64 }

func (c *clock) offset() time.Duration      { return time.Duration(c.ahead.Load()) }
func (c *clock) set(measured time.Duration) { c.ahead.Store(int64(measured)) }

// measure says how far AWS's clock is ahead, by the Date of its answer or, if
// something on the way took that out, by when the keys end.
func measure(answer middleware.Metadata, expiration time.Time) time.Duration {
	received, ok := awsmiddleware.GetResponseAt(answer)
	if !ok {
		received = time.Now()
	}
	if sent, ok := awsmiddleware.GetServerTime(answer); ok {
		return sent.Sub(received)
	}
	return expiration.Add(-MinLife).Sub(received)
}

// asOfNow is t by what the clock shows now: one that was set since t was
// computed has moved what t shows, and not when t is.
func asOfNow(t time.Time) time.Time {
	now := time.Now()
	return now.Add(t.Sub(now))
}

// lasts reports whether AWS serves the grant until end. Both readings of the
// clock must say so: the monotonic one stands still while a machine sleeps, the
// other may be set, and drifts a little.
func (g *Grant) lasts(end time.Time) bool {
	return !g.Until.Before(end) && !g.Until.Round(0).Add(clockTolerance).Before(end.Round(0))
}
