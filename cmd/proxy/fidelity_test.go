package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// permitted are the differences that the corpora may name, with the reason of each.
var permitted = map[string]string{
	"hidden tools":                      "policy: what a persona can never call is not listed, and such a list is nobody else's (cacheScope)",
	"refused calls":                     "policy: and a tool that is hidden is as one that does not exist",
	"tasks of others":                   "a task is its caller's alone, and all others are as if they did not exist",
	"methods that are not in the table": "what nothing judges is not passed on, in either direction; notifications of a server ask nothing and are",
	"what has more than one reading":    "a number that JavaScript would round is another argument there than the one that was judged",
}

// The corpora are said directly and through every pair of transports; what each
// side hears is compared with what the other said, byte for byte. The harness says
// the same directly, so it changes nothing itself.
func TestOnlyWhatPolicyChangesDiffers(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, c := range []struct{ file, version string }{{"sessions.txt", "2025-11-25"}, {"sessions.txt", "2024-11-05"}, {"stateless.txt", "2026-07-28"}} {
		file, err := filepath.Abs(filepath.Join("testdata/fidelity", c.file))
		must(t, err)
		said, err := readCorpus(file, c.version)
		must(t, err)
		for _, s := range said {
			if s.excused != "" && permitted[s.excused] == "" {
				t.Errorf("%s:%d: %q is not a permitted difference", c.file, s.line, s.excused)
			}
			used[s.excused] = true
		}
		for _, front := range []string{"stdio", "HTTP"} {
			for _, back := range []string{"directly", "stdio", "HTTP"} {
				t.Run(fmt.Sprintf("%s %s to %s", c.version, front, back), func(t *testing.T) {
					t.Parallel()
					e := exchange{corpus: said, file: file, version: c.version, dir: t.TempDir(), direct: back == "directly", overHTTP: front == "HTTP"}
					e.run(t, front, back)
				})
			}
		}
	}
	for name := range permitted {
		if !used[name] {
			t.Errorf("no corpus shows the difference %q", name)
		}
	}
}

// exchange is one run of a corpus.
type exchange struct {
	corpus        corpus
	file, version string
	dir           string
	direct        bool // without the proxy
	overHTTP      bool // on the client's side
}

// freesIDs: the ids of the client need not reach the server, because all that a
// principal asks without a session goes through one conversation.
func (e exchange) freesIDs() bool { return !e.direct && e.overHTTP && e.version >= "2026" }

func (e exchange) run(t *testing.T, front, back string) {
	record := filepath.Join(e.dir, "heard")
	strange := filepath.Join(e.dir, "strange-server")
	must(t, os.Symlink(binaryFile(t), strange))
	command := []string{strange, e.file, e.version, record}
	var client *plainClient
	switch {
	case e.direct && front == "stdio":
		client = overStdio(t, e.dir, command...)
	case e.direct:
		client = overHTTP(t, serveStrange(t, e.corpus, record), e.version)
	case back == "stdio":
		client = e.through(t, fmt.Sprintf("{server: strange, command: [%q, %q, %q, %q]}", strange, e.file, e.version, record))
	default:
		client = e.through(t, fmt.Sprintf("{server: strange, urls: [{url: %q}]}", serveStrange(t, e.corpus, record)))
	}
	e.talk(t, client, record)
}

// through is a client of the proxy.
func (e exchange) through(t *testing.T, upstream string) *plainClient {
	t.Helper()
	here, err := filepath.Abs("testdata/fidelity")
	must(t, err)
	config := filepath.Join(e.dir, "config.yaml")
	kind := map[bool]string{true: "anonymous", false: "os-user"}[e.overHTTP]
	must(t, os.WriteFile(config, fmt.Appendf(nil, `version: 1
aws: {region: us-east-1}
upstream: %s
catalogs: [%q]
personas:
  all: {identity: [read-only-monitoring], boundary: [region-and-production], mcp: [%q], role: "arn:aws:iam::123456789012:role/all"}
principals: [{match: {kind: %s}, persona: all}]
credentials: {delivery: none}
audit: {file: audit.jsonl}
listen: {address: "127.0.0.1:0", auth: {anonymous: anyone}}
`, upstream, filepath.Join(here, "catalogue.yaml"), filepath.Join(here, "policy.json"), kind), 0o600))
	if !e.overHTTP {
		return overStdio(t, e.dir, binary(t), "wrap", "--config", config)
	}
	s := &served{dir: e.dir, ended: make(chan struct{})}
	s.start(t, binary(t), nil, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true")
	return overHTTP(t, s.url, e.version)
}

// talk says the client's part and compares what both sides hear.
func (e exchange) talk(t *testing.T, client *plainClient, record string) {
	var reached []*step
	defer func() {
		held, err := os.ReadFile(record)
		if n := strings.Count(string(held), "\n"); err != nil || n != len(reached) {
			t.Errorf("the server heard %d messages and should %d: %v", n, len(reached), err)
		}
	}()
	for i := range e.corpus {
		s := &e.corpus[i]
		reaches := s.mark == ">" || (s.mark == ">!") == e.direct
		if s.mark != ">~" {
			client.say(s.heard.with(nil))
		}
		if reaches {
			reached = append(reached, s)
			e.reached(t, record, reached)
		}
		var expected []template
		for _, said := range s.said {
			if said.mark == "<" || (said.mark == "<!") == e.direct {
				expected = append(expected, said.text)
			}
		}
		if !e.hears(t, client, s, expected) {
			return
		}
	}
}

// reached waits until the server has heard all of these steps and compares them.
func (e exchange) reached(t *testing.T, record string, steps []*step) {
	t.Helper()
	var lines []string
	for deadline := time.Now().Add(time.Minute); len(lines) < len(steps); time.Sleep(5 * time.Millisecond) {
		held, err := os.ReadFile(record)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		lines = strings.SplitAfter(string(held), "\n")
		lines = lines[:len(lines)-1] // what is not written whole
		if time.Now().After(deadline) {
			t.Fatalf("line %d did not reach the server; it heard %q", steps[len(steps)-1].line, lines)
		}
	}
	last := steps[len(steps)-1]
	got := strings.TrimSuffix(lines[len(steps)-1], "\n")
	values, ok := last.heard.match(got)
	if !ok {
		t.Errorf("line %d: the server heard\n%s\nand the client said\n%s", last.line, got, last.heard.with(nil))
	}
	for own, value := range values {
		if own != value && !e.freesIDs() {
			t.Errorf("line %d: the server heard %s in the place of %s", last.line, value, own)
		}
	}
}

// hears compares what the client hears with what the server said. Over HTTP a
// message may come on one stream or another, and only one stream has an order.
func (e exchange) hears(t *testing.T, client *plainClient, s *step, expected []template) bool {
	t.Helper()
	got, at := map[int64]int{}, make([]bool, len(expected))
	for range expected {
		var h heard
		select {
		case h = <-client.hears:
		case <-time.After(time.Minute):
			t.Fatalf("line %d: the client heard %v of %q", s.line, at, expected)
		}
		i := 0
		for i < len(expected) && (at[i] || !expected[i].is(h.message)) {
			i++
		}
		switch {
		case i == len(expected):
			t.Errorf("line %d: the client heard\n%s\nand the server said\n%q", s.line, h.message, expected)
			return false
		case got[h.stream] > i && !strings.Contains(h.message, "subscriptionId"): // which has a stream of its own
			t.Errorf("line %d: the client heard too late: %s", s.line, h.message)
		}
		at[i], got[h.stream] = true, max(i, got[h.stream])
	}
	return true
}
