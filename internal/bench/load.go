package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

const (
	sessions   = 10_000 // idle ones and the callers' together: the bound that is set
	callers    = 500
	loadRounds = 5
	oneCalls   = 300 // of one caller, one after the other
	bigCalls   = 20  // with 256 KiB of arguments
	bigBytes   = 256 << 10
	paceTime   = 4 * time.Second // of callers that make a call a second each
	manyRounds = 6               // calls of each of them, as fast as they are answered
	openers    = 16

	baseBudget    = 60 << 20
	sessionBudget = 20 << 10
	addedBudget   = 3.0 // times what the pump adds; docs/design.md says why not 1
	bigBudget     = 5 * time.Millisecond
	refusedBudget = 5 * time.Millisecond
)

// way is one way to the server, and what was measured on it.
type way struct {
	name     string
	process  *process
	callers  []*caller
	one, big [][]time.Duration // by round
	paced    []time.Duration
	rate     []float64
	used     time.Duration // processor time of the one in the middle, of one caller's calls
}

// load measures calls through serve between HTTP and HTTP, beside direct and pump.
func load(w io.Writer, binary string) (err error) {
	dir, err := os.MkdirTemp("", "ecs-mcp-proxy-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	aws := fakeaws.New(fakeaws.Config{})
	defer aws.Close()
	ways, err := threeWays(dir, binary, aws)
	defer func() {
		for _, way := range slices.Backward(ways) {
			err = errors.Join(err, way.process.stop())
		}
	}()
	if err != nil {
		return err
	}
	for _, way := range ways {
		if err := way.prepare(); err != nil {
			return fmt.Errorf("open %s: %w", way.name, err)
		}
	}
	for range loadRounds {
		for _, way := range ways {
			if err := way.round(); err != nil {
				return fmt.Errorf("measure %s: %w", way.name, err)
			}
		}
	}
	return reportLoad(w, ways)
}

// threeWays starts the server, the pump and the proxy.
func threeWays(dir, binary string, aws *fakeaws.AWS) (ways []*way, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	direct, err := serving([]string{self, "upstream"}, os.Environ())
	if err != nil {
		return nil, err
	}
	ways = append(ways, &way{name: "direct", process: direct})
	pump, err := serving([]string{self, "http-pump", direct.url}, os.Environ())
	if err != nil {
		return ways, err
	}
	ways = append(ways, &way{name: "pump", process: pump})
	serve, err := sidecar(dir, binary, direct.url, aws)
	if err != nil {
		return ways, err
	}
	return append(ways, &way{name: "serve", process: serve}), nil
}

// prepare opens the callers' sessions and warms them up.
func (y *way) prepare() error {
	client := plenty()
	for range callers {
		y.callers = append(y.callers, &caller{http: client, url: y.process.url, token: tokenOf(0)})
	}
	return each(y.callers, openers, func(c *caller) error {
		if err := c.open(); err != nil {
			return err
		}
		return c.call(callOf(0))
	})
}

// each does something for all, so many at a time.
func each[T any](all []T, atATime int, do func(T) error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	tickets := make(chan struct{}, atATime)
	for _, one := range all {
		tickets <- struct{}{}
		wg.Go(func() {
			defer func() { <-tickets }()
			if err := do(one); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = err
			}
		})
	}
	wg.Wait()
	return failed
}

func (y *way) round() error {
	before, err := y.process.processor()
	if err != nil {
		return err
	}
	one, err := timed(oneCalls, func() error { return y.callers[0].call(callOf(0)) })
	if err != nil {
		return fmt.Errorf("one: %w", err)
	}
	after, err := y.process.processor()
	if err != nil {
		return err
	}
	y.used += after - before
	message := callOf(bigBytes)
	big, err := timed(bigCalls, func() error { return y.callers[0].call(message) })
	if err != nil {
		return fmt.Errorf("256 KiB: %w", err)
	}
	y.one, y.big = append(y.one, one), append(y.big, big)
	if err := y.pace(); err != nil {
		return fmt.Errorf("pace: %w", err)
	}
	since := time.Now()
	if err := each(y.callers, callers, func(c *caller) error {
		_, err := timed(manyRounds, func() error { return c.call(callOf(0)) })
		return err
	}); err != nil {
		return err
	}
	y.rate = append(y.rate, callers*manyRounds/time.Since(since).Seconds())
	return nil
}

// timed does something n times, one after the other.
func timed(n int, do func() error) ([]time.Duration, error) {
	took := make([]time.Duration, n)
	for i := range took {
		since := time.Now()
		if err := do(); err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
		took[i] = time.Since(since)
	}
	return took, nil
}

// pace lets every caller make a call a second, each at its own moment.
func (y *way) pace() error {
	var mu sync.Mutex
	end := time.Now().Add(paceTime)
	return each(y.callers, callers, func(c *caller) error {
		time.Sleep(rand.N(time.Second))
		for time.Now().Before(end) {
			since := time.Now()
			if err := c.call(callOf(0)); err != nil {
				return err
			}
			took := time.Since(since)
			mu.Lock()
			y.paced = append(y.paced, took)
			mu.Unlock()
			time.Sleep(time.Second - took)
		}
		return nil
	})
}

// at returns the quantile, in microseconds.
func at(took []time.Duration, quantile float64) float64 {
	took = slices.Sorted(slices.Values(took))
	return float64(took[int(float64(len(took)-1)*quantile)].Nanoseconds()) / 1000
}

// middle is the median of the rounds.
func middle[T any](rounds []T, of func(T) float64) float64 {
	var values []float64
	for _, round := range rounds {
		values = append(values, of(round))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func reportLoad(w io.Writer, ways []*way) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\tone caller p50\tadded\tx pump's\tp99\tprocessor\t256 KiB p50\tadded\t%d callers p50\tp99\tx direct\tcalls/s\tx pump\t\n", callers)
	p50 := func(took []time.Duration) float64 { return at(took, .5) }
	same := func(rate float64) float64 { return rate }
	direct, pump, serve := ways[0], ways[1], ways[2]
	for _, y := range ways {
		one, big := middle(y.one, p50), middle(y.big, p50)
		added := one - middle(direct.one, p50)
		fmt.Fprintf(t, "%s\t%.0f µs\t%+.0f µs\t%.2f\t%.0f µs\t%d µs\t%.0f µs\t%+.0f µs\t%.0f µs\t%.0f µs\t%.2f\t%.0f\t%.2f\t\n", y.name, one, added,
			added/(middle(pump.one, p50)-middle(direct.one, p50)), middle(y.one, func(took []time.Duration) float64 { return at(took, .99) }),
			y.used.Microseconds()/(loadRounds*oneCalls), big, big-middle(direct.big, p50), at(y.paced, .5), at(y.paced, .99), at(y.paced, .99)/at(direct.paced, .99),
			middle(y.rate, same), middle(y.rate, same)/middle(pump.rate, same))
	}
	fmt.Fprintf(t, "medians of %d interleaved rounds; %d callers: p50 and p99 at a call a second each, calls/s as fast as they are answered; processor: of the process in the middle, a call\n", loadRounds, callers)
	if err := t.Flush(); err != nil {
		return err
	}
	var missed []string
	if ratio := (middle(serve.one, p50) - middle(direct.one, p50)) / (middle(pump.one, p50) - middle(direct.one, p50)); ratio > addedBudget {
		missed = append(missed, fmt.Sprintf("added p50 is %.2f times the pump's", ratio))
	}
	if added := middle(serve.big, p50) - middle(direct.big, p50); added > float64(bigBudget.Microseconds()) {
		missed = append(missed, fmt.Sprintf("256 KiB add %.0f µs", added))
	}
	return over(missed)
}

func over(missed []string) error {
	if len(missed) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", errMissed, strings.Join(missed, "; "))
}
