package main

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// flood makes n requests at once, and counts the answers by status.
func flood(s *served, n int, message, authorization string) map[int]int {
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for range n {
		all.Go(func() {
			status := s.status(message, authorization)
			mu.Lock()
			defer mu.Unlock()
			got[status]++
		})
	}
	all.Wait()
	return got
}

func TestServeKeepsOnePrincipalFromTheOthers(t *testing.T) {
	t.Parallel()
	s := serve(t, "limits: {rate: 5, burst: 20}\n")
	reader := s.connect(t, "reader")
	var stop atomic.Bool
	flooded := make(chan map[int]int)
	go func() {
		all := map[int]int{}
		for end := time.Now().Add(time.Minute); !stop.Load() || all[http.StatusTooManyRequests] == 0 && time.Now().Before(end); {
			for status, n := range flood(s, 20, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, "Bearer "+token("ci")) {
				all[status] += n
			}
		}
		flooded <- all
	}()
	for range 5 { // within its own burst, whatever ci does
		if text, isError := operate(t, reader, "ListClusters", map[string]any{}); isError {
			t.Errorf("the reader lists: %s", text)
		}
	}
	stop.Store(true)
	if got := <-flooded; got[http.StatusTooManyRequests] == 0 || got[http.StatusBadRequest] == 0 {
		t.Errorf("the flood was answered %v", got)
	}
}

func TestServeBoundsWhatAPrincipalHasInProgress(t *testing.T) {
	t.Parallel()
	s := serve(t, "limits: {concurrency: 1}\n")
	if got := flood(s, 20, hello, "Bearer "+token("ci")); got[http.StatusTooManyRequests] == 0 || got[http.StatusOK] == 0 || got[http.StatusOK]+got[http.StatusTooManyRequests] != 20 {
		t.Errorf("20 sessions at once: %v", got)
	}
	if response, body := s.ask(t, hello, "Authorization", "Bearer "+token("ci")); response.StatusCode != http.StatusOK {
		t.Errorf("one afterwards: %s %s", response.Status, body)
	}
}
