//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// atURL is the real server as a sidecar runs it: it speaks HTTP, was started by
// somebody else, and draws its credentials where it was told to.
type atURL struct {
	*process
	url, credentials, tokenFile string
}

// startAtURL starts the server with nothing but the address of its credentials.
func startAtURL(t *testing.T) atURL {
	t.Helper()
	dir, port, credentials := t.TempDir(), freePort(t), freePort(t)
	s := atURL{url: "http://127.0.0.1:" + port + "/mcp", credentials: "127.0.0.1:" + credentials, tokenFile: filepath.Join(dir, "token")}
	env := []string{"PATH=" + world.python(""), "HOME=" + dir, "AWS_REGION=" + region, "AWS_ENDPOINT_URL=" + world.aws,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://" + s.credentials + "/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + s.tokenFile,
		"FASTMCP_TRANSPORT=streamable-http", "FASTMCP_HOST=127.0.0.1", "FASTMCP_PORT=" + port}
	for name, value := range serverEnviron() {
		env = append(env, name+"="+value)
	}
	var err error
	if s.process, err = start(dir, env, world.python("ecs-mcp-server")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // closing its input does not end an HTTP server
		<-s.ended
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not listen: %v\n%s", err, s.stderr.String())
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// upstream makes a configuration use it.
func (s atURL) upstream(config map[string]any) {
	config["upstream"] = map[string]any{"server": "awslabs.ecs-mcp-server",
		"urls": []any{map[string]any{"url": s.url, "credentials": map[string]string{"listen": s.credentials, "token_file": s.tokenFile}}}}
}

func TestAServerAtAURLIsLentEachCallsGrant(t *testing.T) {
	server := startAtURL(t)
	s := openChanged(t, everything, server.upstream)
	for i := range 3 { // its clients are cached: a new key each time all the same
		name := fmt.Sprintf("at-url-%d", i)
		made := s.operate(t, "CreateCluster", map[string]any{"clusterName": name})
		if made.IsError || len(made.ByServer) != 1 || made.ByServer[0].AccessKeyID != made.Decision.Grant.AccessKeyID {
			t.Fatalf("call %+v", made)
		}
	}
	if info, err := os.Stat(server.tokenFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("token file %v %v", info, err)
	}
	tools, err := s.client.ListTools(t.Context(), nil)
	if err != nil || len(tools.Tools) == 0 {
		t.Errorf("tools %v %v", tools, err)
	}
}

// HTTP on both sides, for two principals: the server has one lane, which they share in turn.
func TestServeInFrontOfAServerAtAURLKeepsPrincipalsApart(t *testing.T) {
	server := startAtURL(t)
	dir := t.TempDir()
	path := everything.configure(t, dir)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(b, &config); err != nil {
		t.Fatal(err)
	}
	server.upstream(config)
	tokens := map[string]string{}
	var listed, principals []any
	for _, id := range []string{"alice", "bob"} {
		tokens[id] = strings.Repeat(id+"-", 12)
		listed = append(listed, map[string]string{"id": id, "file": write(t, filepath.Join(dir, id), tokens[id])})
		principals = append(principals, map[string]any{"match": map[string]string{"kind": "token", "id": id}, "persona": everything.name})
	}
	config["listen"] = map[string]any{"address": "127.0.0.1:0", "auth": map[string]any{"tokens": listed}}
	config["principals"] = principals
	if b, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	write(t, path, string(b))
	url := startSidecar(t, dir, path)
	mark := world.recorder.Mark()
	done := make(chan error, 2)
	for id, token := range tokens {
		client := mcp.NewClient(&mcp.Implementation{Name: id, Version: "1"}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
		defer cancel()
		session, err := client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: url, HTTPClient: &http.Client{Transport: withToken(token)}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		go func() {
			for i := range 5 {
				result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "ecs_resource_management",
					Arguments: map[string]any{"api_operation": "CreateCluster", "api_params": map[string]any{"clusterName": fmt.Sprintf("of-%s-%d", id, i)}}})
				if err != nil || result.IsError {
					done <- fmt.Errorf("%s: %v %v", id, err, result)
					return
				}
			}
			done <- nil
		}()
	}
	for range tokens {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	identities := map[string]string{}
	assumed, err := Assumptions(world.recorder.Since(mark))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range assumed {
		identities[a.AccessKeyID] = a.SourceIdentity
	}
	seen := 0
	for _, r := range world.recorder.Since(mark) {
		if r.Action() != "ecs:CreateCluster" {
			continue
		}
		seen++
		owner, _, _ := strings.Cut(strings.TrimPrefix(r.Parameter("clusterName"), "of-"), "-")
		if !strings.HasPrefix(identities[r.AccessKeyID], owner+"-") {
			t.Errorf("%s for %s was signed with a key of %q", r, owner, identities[r.AccessKeyID])
		}
	}
	if seen != 10 {
		t.Errorf("%d requests, want 10", seen)
	}
}

// withToken adds a bearer token to every request.
type withToken string

func (w withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(w))
	return http.DefaultTransport.RoundTrip(r)
}
