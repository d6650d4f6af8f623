package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// listeners are how many of the idle sessions then open a stream as well.
const listeners = 2000

// idleSessions measures a serve that has only idle sessions: its memory as soon
// as they are open, with streams opened on some of them, and how it refuses one
// session more.
func idleSessions(w io.Writer, binary string) (err error) {
	dir, err := os.MkdirTemp("", "ecs-mcp-proxy-idle-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	aws := fakeaws.New(fakeaws.Config{})
	defer aws.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	upstream, err := serving([]string{self, "upstream"}, os.Environ())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, upstream.stop()) }()
	serve, err := sidecar(dir, binary, upstream.url, aws)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, serve.stop()) }()
	base, err := serve.memory()
	if err != nil {
		return err
	}
	client := plenty()
	var idle []*caller
	for i := range sessions {
		idle = append(idle, &caller{http: client, url: serve.url, token: tokenOf(i % principals)})
	}
	since := time.Now()
	if err := each(idle, openers, (*caller).open); err != nil {
		return fmt.Errorf("open sessions: %w", err)
	}
	opened := time.Since(since)
	client.CloseIdleConnections()
	full, err := serve.memory()
	if err != nil {
		return err
	}
	one := &caller{http: client, url: serve.url}
	refused, err := timed(50, func() error {
		one.token = tokenOf(1)
		if err := one.open(); !errors.Is(err, errRefused) {
			return fmt.Errorf("a session over the bound: %v", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range idle[:listeners] {
		stream, err := c.listen()
		if err != nil {
			return fmt.Errorf("open streams: %w", err)
		}
		defer stream.Close()
	}
	streams, err := serve.memory()
	if err != nil {
		return err
	}
	each := (full - base) / sessions
	fmt.Fprintf(w, "serve idle, policy loaded: %.1f MB of at most %.0f; %d idle sessions of %d users, opened in %.1f s: %.1f KB each of at most %d; with a stream open on both sides %.1f KB more\n",
		float64(base)/(1<<20), float64(baseBudget)/(1<<20), sessions, principals, opened.Seconds(), float64(each)/(1<<10), sessionBudget>>10, float64((streams-full)/listeners)/(1<<10))
	fmt.Fprintf(w, "one session more is refused: p50 %.1f ms, p99 %.1f ms\n", at(refused, .5)/1000, at(refused, .99)/1000)
	var late []string
	if base > baseBudget {
		late = append(late, "serve idle")
	}
	if each > sessionBudget {
		late = append(late, fmt.Sprintf("an idle session takes %.1f KB", float64(each)/(1<<10)))
	}
	if at(refused, .5) > float64(refusedBudget.Microseconds()) {
		late = append(late, "the refusal of a session over the bound")
	}
	return over(late)
}
