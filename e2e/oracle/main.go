// Command oracle compares the verb simulate with an independent simulator of IAM,
// @cloud-copilot/iam-simulate, which runs in a Node process of its own and shares
// neither code nor language with ours.
//
// It compares random cases of a fixed and of a fresh seed, and every sample of
// the built-in documents. What the simulator is known to do otherwise is not
// drawn: iamtest.Oracle names each with its reason, and one case of each shows
// that it still is so. Any other difference is printed as the smallest case that
// shows it, and ends the command with an error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
)

const fixedSeed = 20121017

// limit is far more than it takes; a simulator that hangs must not.
const limit = 10 * time.Minute

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func run() error {
	cases := flag.Int("cases", 10_000, "how many random cases of each seed to compare")
	fresh := flag.Uint64("seed", rand.Uint64()>>11, "the fresh seed, to draw the same cases again")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: oracle [flags] PATH-OF-ecs-mcp-proxy PATH-OF-oracle.mjs")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		return errors.New("name the binary and the script")
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), limit, fmt.Errorf("took over %s", limit))
	defer cancel()
	proxy, err := start(ctx, "simulate", flag.Arg(0), "simulate")
	if err != nil {
		return err
	}
	oracle, err := start(ctx, "oracle", "node", flag.Arg(1))
	if err != nil {
		return err
	}
	begun := time.Now()
	wrong, err := comparison{proxy, oracle}.all(*cases, *fresh)
	if err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	if err := errors.Join(proxy.finish(), oracle.finish()); err != nil {
		return err
	}
	fmt.Printf("took %s\n", time.Since(begun).Round(time.Millisecond))
	if wrong > 0 {
		return fmt.Errorf("%d things are not as they should be; to draw the same cases again: -seed %d", wrong, *fresh)
	}
	return nil
}

// all compares everything, and returns how many differences and the like it found.
func (c comparison) all(cases int, fresh uint64) (wrong int, err error) {
	for _, seed := range []uint64{fixedSeed, fresh} {
		r, err := c.compare(fmt.Sprintf("seed %d", seed), draw(seed, cases))
		if err != nil {
			return wrong, err
		}
		wrong += len(r.differ) + tooFew(r, cases)
	}
	for _, part := range []func() (int, error){c.samples, c.known} {
		n, err := part()
		if err != nil {
			return wrong, err
		}
		wrong += n
	}
	return wrong, nil
}

// tooFew counts the decisions that hardly occur: if all cases end alike, it says
// nothing that both simulators end them alike.
func tooFew(r result, cases int) (n int) {
	for _, word := range decisions {
		if r.decisions[word] < cases/5 || r.decisions[word] == 0 {
			fmt.Printf("  only %d of %d cases are %s: too few to compare\n", r.decisions[word], cases, word)
			n++
		}
	}
	return n
}

func draw(seed uint64, n int) []iamtest.Case {
	g := iamtest.New(seed, iamtest.Oracle)
	cases := make([]iamtest.Case, n)
	for i := range cases {
		cases[i] = g.Case(i)
	}
	return cases
}
