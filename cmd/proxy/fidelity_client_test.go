package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// heard is a message that a client heard, and on which stream.
type heard struct {
	stream  int64
	message string
}

// plainClient says lines and hears lines: a client that knows nothing of MCP but
// its transport.
type plainClient struct {
	say   func(message string)
	hears chan heard
	url   string // of one that speaks HTTP
}

// overStdio starts a program and speaks to it.
func overStdio(t *testing.T, dir string, argv ...string) *plainClient {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	c := &plainClient{hears: make(chan heard, 1000)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := wire.NewLineReader(out, 0); ; {
			line, err := lines.Next()
			if err != nil {
				return
			}
			c.hears <- heard{0, string(line)}
		}
	}()
	t.Cleanup(func() {
		in.Close()
		timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		<-read
		_ = cmd.Wait()
		timer.Stop()
		if t.Failed() {
			t.Log(stderr.String())
		}
	})
	c.say = func(message string) {
		_, err := io.WriteString(in, message+"\n")
		must(t, err)
	}
	return c
}

// overHTTP speaks to a URL.
func overHTTP(t *testing.T, url, version string) *plainClient {
	t.Helper()
	c := &plainClient{hears: make(chan heard, 1000), url: url}
	var streams atomic.Int64
	var session atomic.Pointer[string]
	ask := func(method string, m *wire.Message) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			return nil
		}
		r.Header.Set("Accept", "application/json, text/event-stream")
		if m != nil {
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(m.Raw)), int64(len(m.Raw))
			r.Header.Set("Content-Type", "application/json")
			if m.ModernVersion {
				r.Header.Set("Mcp-Method", m.Method)
				r.Header.Set("Mcp-Name", encoded(m.Name))
			}
		}
		if id := session.Load(); id != nil {
			r.Header.Set("Mcp-Session-Id", *id)
		}
		if m == nil || m.Method != "initialize" {
			r.Header.Set("Mcp-Protocol-Version", version)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil // the test is over
		}
		return response
	}
	take := func(response *http.Response) {
		if response == nil {
			return
		}
		defer response.Body.Close()
		if id := response.Header.Get("Mcp-Session-Id"); id != "" {
			session.Store(&id)
		}
		stream := streams.Add(1)
		switch media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); media {
		case "text/event-stream":
			lines := bufio.NewReader(response.Body)
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					return
				}
				if data, ok := strings.CutPrefix(line, "data: "); ok {
					c.hears <- heard{stream, strings.TrimSuffix(data, "\n")}
				}
			}
		case "application/json":
			if body, err := io.ReadAll(response.Body); err == nil {
				c.hears <- heard{stream, string(body)}
			}
		}
	}
	c.say = func(message string) {
		var m wire.Message
		read, err := wire.ReadClient([]byte(message), wire.Limits{})
		if err != nil { // what has more than one reading; it is meant to be sent
			var params struct {
				Params struct {
					Name string `json:"name"`
				} `json:"params"`
			}
			must(t, json.Unmarshal([]byte(message), &params))
			m = wire.Message{Raw: []byte(message), Kind: wire.Request, Method: "tools/call", Name: params.Params.Name, ModernVersion: version >= "2026"}
		} else {
			m = *read
		}
		if m.Kind == wire.Request {
			go take(ask(http.MethodPost, &m))
			return
		}
		take(ask(http.MethodPost, &m))
		if m.Method == "notifications/initialized" {
			go take(ask(http.MethodGet, nil))
		}
	}
	return c
}

// encoded is a header's value for a name.
func encoded(name string) string {
	for _, c := range name {
		if c > '~' {
			return "=?base64?" + base64Of(name) + "?="
		}
	}
	return name
}
