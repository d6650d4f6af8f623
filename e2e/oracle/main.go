// Command oracle compares the verb simulate with an independent simulator of IAM,
// @cloud-copilot/iam-simulate, which runs in a Node process of its own and shares
// neither code nor language with ours.
//
// It compares random cases of a fixed and of a fresh seed, and every sample of
// the built-in documents. What the simulator is known to do otherwise than AWS is
// not drawn (iamtest.Oracle names each with its reason); then each of these is let
// in alone, to see that it still is. Any other difference is printed as the
// smallest case that shows it, and ends the command with an error.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
)

const fixedSeed = 20121017

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func run() error {
	cases := flag.Int("cases", 10_000, "how many random cases of each seed to compare")
	known := flag.Int("known", 30_000, "how many cases at most to look for each known difference in")
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
	proxy, err := start("simulate", flag.Arg(0), "simulate")
	if err != nil {
		return err
	}
	defer proxy.stop()
	oracle, err := start("oracle", "node", flag.Arg(1))
	if err != nil {
		return err
	}
	defer oracle.stop()
	both := comparison{proxy, oracle}

	begun, differing := time.Now(), 0
	for _, seed := range []uint64{fixedSeed, *fresh} {
		n, err := both.report(fmt.Sprintf("seed %d", seed), draw(iamtest.New(seed, iamtest.Oracle), 0, *cases))
		if err != nil {
			return err
		}
		differing += n
	}
	samples, left, err := samples()
	if err != nil {
		return err
	}
	n, err := both.report("samples", samples)
	if err != nil {
		return err
	}
	differing += n
	for _, why := range slices.Sorted(maps.Keys(left)) {
		fmt.Printf("  %d samples left out: %s\n", left[why], why)
	}
	if err := both.known(*known); err != nil {
		return err
	}
	fmt.Printf("took %s\n", time.Since(begun).Round(time.Millisecond))
	if differing > 0 {
		return fmt.Errorf("%d differences; to draw the same cases again: -seed %d", differing, *fresh)
	}
	return nil
}

func draw(g *iamtest.Generator, first, n int) []iamtest.Case {
	cases := make([]iamtest.Case, n)
	for i := range cases {
		cases[i] = g.Case(first + i)
	}
	return cases
}

// known lets in one thing after the other that the oracle lacks, and prints how
// soon the two then differ. What makes no difference need not be left out.
func (c comparison) known(most int) error {
	const step = 1000
	fmt.Println("what the oracle is known to do otherwise, and how many cases it takes to see it once let in:")
	for _, feature := range slices.SortedFunc(maps.Keys(iamtest.Oracle), byReason) {
		if feature == iamtest.UnknownKeys {
			continue // not even a question that the oracle could be asked
		}
		others := maps.Clone(iamtest.Oracle)
		delete(others, feature)
		generator, after := iamtest.New(fixedSeed, others), "none of many"
		for first := 0; first < most; first += step {
			found, _, err := c.differing(draw(generator, first, step))
			if err != nil {
				return err
			}
			if len(found) > 0 {
				after = fmt.Sprint(first + step)
				break
			}
		}
		fmt.Printf("  %12s  %s: %s\n", after, feature, iamtest.Oracle[feature])
	}
	return nil
}

func byReason(a, b iamtest.Feature) int {
	return cmp.Or(strings.Compare(iamtest.Oracle[a], iamtest.Oracle[b]), strings.Compare(string(a), string(b)))
}
