package admin

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/awake"
)

// checkTime bounds one look, so that a probe gets its answer in time.
const checkTime = 3 * time.Second

// Check is one thing that calls cannot do without.
type Check struct {
	Name string
	// Look says why it is not there; its error holds no secret.
	Look func(context.Context) error
	// Keep is how long an answer stands, so that probes cost others nothing.
	Keep time.Duration

	mu    sync.Mutex
	asked time.Time
	last  error
}

// look asks, or repeats an answer that still stands. Whoever comes while it is
// asked waits for that answer.
func (c *Check) look(ctx context.Context) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asked.IsZero() && time.Since(c.asked) < c.Keep {
		return c.last
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		c.asked, c.last = time.Now(), err
	}()
	// Not the probe's own time: one that gives up early must not decide for the next.
	ctx, cancel := awake.WithTimeout(context.WithoutCancel(ctx), checkTime)
	defer cancel()
	if err := c.Look(ctx); err != nil {
		if context.Cause(ctx) == context.DeadlineExceeded {
			return fmt.Errorf("no answer within %s", checkTime)
		}
		return err
	}
	return nil
}

// finding is the answer of one check.
type finding struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

// report is the answer of all checks.
type report struct {
	Ready  bool      `json:"ready"`
	Checks []finding `json:"checks"`
}

// ask looks at everything at the same time.
func ask(ctx context.Context, checks []*Check) report {
	r := report{Ready: true, Checks: make([]finding, len(checks))}
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			r.Checks[i] = finding{Name: c.Name, OK: true}
			if err := c.look(ctx); err != nil {
				r.Checks[i] = finding{Name: c.Name, Reason: err.Error()}
			}
		})
	}
	all.Wait()
	for _, f := range r.Checks {
		r.Ready = r.Ready && f.OK
	}
	return r
}
