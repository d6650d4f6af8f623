package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// After how long something is slow enough to say what it is, and how often then.
const (
	slow  = time.Second
	again = 10 * time.Second
)

// progress says what is being done if it takes longer than a second, and how long
// it has taken every ten, until done is called.
func progress(out io.Writer, what string) (done func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		defer close(stopped)
		next := time.NewTimer(slow)
		defer next.Stop()
		for first := true; ; first = false {
			select {
			case <-stop:
				return
			case <-next.C:
			}
			if first {
				fmt.Fprintf(out, "… %s\n", what)
			} else {
				fmt.Fprintf(out, "… %s: %s so far\n", what, time.Since(began).Round(time.Second))
			}
			next.Reset(again)
		}
	}()
	return sync.OnceFunc(func() {
		close(stop)
		<-stopped
	})
}
