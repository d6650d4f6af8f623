package admin

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Config is what a handler is made of.
type Config struct {
	Checks []*Check
	// Metrics answers /metrics; nil for none.
	Metrics http.Handler
	// Loopback serves loopback's names only, so that a web page whose name was
	// rebound reads nothing.
	Loopback bool
}

// Server returns a server that answers and is bounded in everything.
func Server(config Config) *http.Server {
	return &http.Server{Handler: handler(config), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
}

func handler(config Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { answer(w, r, ask(r.Context(), config.Checks)) })
	if config.Metrics != nil {
		mux.Handle("GET /metrics", config.Metrics)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if config.Loopback && !isLoopback(r.Host) || r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			http.Error(w, "this host name or origin is not served", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// answer writes a report as JSON to whoever accepts that, and as lines otherwise.
func answer(w http.ResponseWriter, r *http.Request, report report) {
	status := http.StatusOK
	if !report.Ready {
		status = http.StatusServiceUnavailable
	}
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(report) // who went away needs no answer
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	for _, f := range report.Checks {
		if f.OK {
			fmt.Fprintf(w, "%s: ok\n", f.Name)
		} else {
			fmt.Fprintf(w, "%s: not ready: %s\n", f.Name, f.Reason)
		}
	}
}
