package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// principals are how many users the idle sessions are of.
const principals = 20

// tokenOf is the bearer token of a user.
func tokenOf(user int) string { return fmt.Sprintf("bench-token-of-user-%012d", user) }

// sidecar starts the binary's serve in front of the upstream, with everything on:
// five policies, boundary and guardrails, the audit log, leased credentials of a
// strict AWS, reads that share a grant.
func sidecar(dir, binary, upstream string, aws *fakeaws.AWS) (*process, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	endpoint, role, key, err := startAccount(aws)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free
	if err != nil {
		return nil, err
	}
	lease := listener.Addr().String()
	err = listener.Close()
	var tokens []string
	for user := range principals {
		file := filepath.Join(dir, fmt.Sprint("token-", user))
		err = errors.Join(err, os.WriteFile(file, []byte(tokenOf(user)+"\n"), 0o600))
		tokens = append(tokens, fmt.Sprintf("{id: user-%d, file: %q}", user, file))
	}
	file := filepath.Join(dir, "serve.yaml")
	err = errors.Join(err, os.WriteFile(file, []byte(fmt.Sprintf(`version: 1
aws: {region: us-east-1, endpoint: %q}
upstream: {urls: [{url: %q, credentials: {listen: %q, token_file: %q}}]}
personas:
  agent:
    identity: [%s]
    boundary: [%s]
    role: %q
    values: {cluster: shop, service: web}
principals: [{match: {kind: token}, persona: agent}]
limits: {sessions: %d, principal_sessions: %d, rate: 1000000, burst: 1000000, concurrency: 10000}
audit: {file: %q}
listen:
  address: 127.0.0.1:0
  auth: {tokens: [%s]}
`, endpoint, upstream, lease, filepath.Join(dir, "lease-token"), strings.Join(identity, ", "), boundary, role, sessions, sessions, filepath.Join(dir, "audit.jsonl"), strings.Join(tokens, ", "))), 0o600))
	if err != nil {
		return nil, err
	}
	return serving([]string{binary, "serve", "--config", file},
		[]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_ACCESS_KEY_ID=" + key.ID, "AWS_SECRET_ACCESS_KEY=" + key.Secret, "GODEBUG=" + os.Getenv("GODEBUG")})
}
