package grant

import (
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// How often and how long STS is asked again. All of it together takes about
// three seconds, so a throttled call is refused while its client still waits.
const (
	maxAttempts = 5
	firstDelay  = 200 * time.Millisecond // at most; the jitter is full
	maxDelay    = 2 * time.Second
)

// newRetry says which errors pass: throttling, lost connections, 5xx and a
// signature that the SDK corrects for this machine's clock. A refusal, such as
// AccessDenied, is final.
func newRetry() *retry.Standard {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = maxAttempts, maxDelay
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			most := firstDelay
			for range attempt - 1 {
				most = min(2*most, maxDelay)
			}
			return rand.N(most), nil
		})
	})
}

// patience retries one AssumeRole as far as its deadline allows: what could
// only begin after it is not begun, so that the reason of the last failure is
// known and not lost in a time-out.
type patience struct {
	*retry.Standard
	deadline time.Time // zero for none
	attempts int       // that failed
	delay    time.Duration
}

// IsErrorRetryable is asked once for each failed attempt.
func (p *patience) IsErrorRetryable(err error) bool {
	p.attempts++
	if !p.Standard.IsErrorRetryable(err) {
		return false
	}
	delay, delayErr := p.Standard.RetryDelay(p.attempts, err)
	p.delay = delay
	return delayErr == nil && (p.deadline.IsZero() || time.Until(p.deadline) > delay)
}

// RetryDelay is how long IsErrorRetryable found that there is time for.
func (p *patience) RetryDelay(int, error) (time.Duration, error) { return p.delay, nil }
