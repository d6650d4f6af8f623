package main

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
)

func TestHealthIsWhatTheProxySays(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	if out, err := exec.Command("ecs-mcp-proxy", "health", s.url, "--timeout", "1m").CombinedOutput(); err != nil {
		t.Errorf("a proxy that serves: %v\n%s", err, out)
	}
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer broken.Close()
	if out, err := exec.Command("ecs-mcp-proxy", "health", broken.URL, "--timeout", "1m").CombinedOutput(); err == nil || !strings.Contains(string(out), "503") {
		t.Errorf("a proxy that is not ready: %v\n%s", err, out)
	}
	broken.Close()
	if out, err := exec.Command("ecs-mcp-proxy", "health", broken.URL).CombinedOutput(); err == nil || !strings.Contains(string(out), "ask health") {
		t.Errorf("nobody there: %v\n%s", err, out)
	}
}
