package policy

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
)

// shelf is a server of one bundle, as people have them: with ETags, and a token if it has one.
type shelf struct {
	*httptest.Server
	mu       sync.Mutex
	bundle   []byte
	etag     string
	token    string
	handler  http.HandlerFunc // in place of all that
	requests []string         // "200", "304", …
}

func newShelf(t testing.TB) *shelf {
	s := &shelf{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case s.handler != nil:
			s.handler(w, r)
			return
		case s.token != "" && r.Header.Get("Authorization") != "Bearer "+s.token:
			w.WriteHeader(http.StatusUnauthorized)
			s.requests = append(s.requests, "401")
		case s.etag != "" && r.Header.Get("If-None-Match") == s.etag:
			w.WriteHeader(http.StatusNotModified)
			s.requests = append(s.requests, "304")
		default:
			if s.etag != "" {
				w.Header().Set("ETag", s.etag)
			}
			w.Write(s.bundle)
			s.requests = append(s.requests, "200")
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *shelf) put(bundle []byte, etag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bundle, s.etag = bundle, etag
}

func (s *shelf) answers() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.requests, " ")
}

func remote(t testing.TB, address, tokenFile string, key *Key) *Remote {
	t.Helper()
	r, err := NewRemote(address, tokenFile, key, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARemoteBundleIsFetchedOnce(t *testing.T) {
	sign, shelf := newSigner(t), newShelf(t)
	r := remote(t, shelf.URL+"/policy.tar.gz", "", sign.key(t, "release"))
	if _, err := r.Source(); !errors.Is(err, ErrPolicy) {
		t.Errorf("before it has come: %v", err)
	}
	steps := []struct {
		bundle []byte
		etag   string
		newer  bool
		failed bool
	}{
		{build(t, saying("a"), &sign, nil), `"1"`, true, false},
		{nil, `"1"`, false, false},                              // 304
		{build(t, saying("a"), &sign, nil), `"2"`, true, false}, // signed anew: other bytes
		{build(t, saying("b"), nil, nil), `"3"`, false, true},   // unsigned
		{build(t, saying("b"), &sign, nil), "", true, false},    // without an ETag
	}
	for i, step := range steps {
		shelf.put(step.bundle, step.etag)
		newer, err := r.fetch(t.Context())
		if newer != step.newer || (err != nil) != step.failed {
			t.Errorf("step %d: %t, %v", i, newer, err)
		}
		if _, err := r.Source(); err != nil {
			t.Errorf("step %d: the last good one is gone: %v", i, err)
		}
	}
	if newer, err := r.fetch(t.Context()); newer || err != nil { // the same bytes, without an ETag to say so
		t.Errorf("the same again: %t, %v", newer, err)
	}
	if got := shelf.answers(); got != "200 304 200 200 200 200" {
		t.Errorf("the server answered %s", got)
	}
}

func TestARemoteBundleThatCannotBeHad(t *testing.T) {
	const secret = "s3cr3t"
	tests := map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"forbidden":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, "answers 403; look at policy.bundle.token_file"},
		"missing":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, "answers 404; look at policy.bundle.url"},
		"broken":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "answers 500"},
		"elsewhere":   {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Location", "/x"); w.WriteHeader(302) }, "redirects are not followed"},
		"nothing new": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, "answers 304"},
		"a page":      {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>" + secret)) }, "it is no .tar.gz"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("x"))
		}, "unexpected EOF"},
		"a server's end": {func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"more than fits": {func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, maxSourceBytes+1)) }, "it is larger than"},
		"nothing at all": {func(w http.ResponseWriter, _ *http.Request) {}, "it is no .tar.gz"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			shelf := newShelf(t)
			shelf.handler = tt.handler
			token := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(token, []byte(secret+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			r := remote(t, shelf.URL+"/policy.tar.gz?signature="+secret, token, nil)
			newer, err := r.fetch(t.Context())
			if newer || !errors.Is(err, ErrPolicy) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %t, %v; want %q", newer, err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

func TestTheTokenIsReadForEachFetch(t *testing.T) {
	shelf := newShelf(t)
	shelf.put(build(t, saying("a"), nil, nil), `"1"`)
	path := filepath.Join(t.TempDir(), "token")
	r := remote(t, shelf.URL, path, nil)
	for _, step := range []struct{ have, need, want string }{
		{"", "one", "no such file"},
		{"one\n", "one", ""},
		{"one\n", "two", "answers 401; look at policy.bundle.token_file"},
		{"two", "two", ""},
		{"  \n", "two", "must hold one bearer token and nothing else"},
		{"two\nX-Other: 1\n", "two", "must hold one bearer token and nothing else"},
	} {
		shelf.mu.Lock()
		shelf.token = step.need
		shelf.mu.Unlock()
		if step.have != "" {
			if err := os.WriteFile(path, []byte(step.have), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := r.fetch(t.Context())
		if (step.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), step.want) {
			t.Errorf("with %q: %v", step.have, err)
		}
	}
}

func TestOverHTTPOnlyThisMachineIsAsked(t *testing.T) {
	for _, address := range []string{"http://192.0.2.1/a", "http://[2001:db8::1]/a"} {
		_, err := remote(t, address, "", nil).fetch(t.Context())
		if err == nil || !strings.Contains(err.Error(), "is not on this machine") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"", "policy.tar.gz", "ftp://127.0.0.1/a", "file:///a", "http:///a"} {
		if _, err := NewRemote(address, "", nil, time.Second); !errors.Is(err, ErrPolicy) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestPauseGrowsUpToPolling(t *testing.T) {
	for failures, longest := range []time.Duration{time.Minute, time.Second, 2 * time.Second, 4 * time.Second} {
		for range 100 {
			if p := pauseAfter(failures, time.Minute); p > longest || p < longest*4/5 {
				t.Fatalf("after %d failures: %s", failures, p)
			}
		}
	}
	if p := pauseAfter(1000, time.Minute); p > time.Minute || p < 48*time.Second {
		t.Errorf("after many failures: %s", p)
	}
}

// From a server that does not answer, over one that lies, to a policy in force
// that follows its bundle.
func TestPolicyFollowsItsBundle(t *testing.T) {
	sign, liar, shelf := newSigner(t), newSigner(t), newShelf(t)
	shelf.handler = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }
	r := remote(t, shelf.URL, "", sign.key(t, "release"))
	ctx, cancel := context.WithCancel(t.Context())
	l := NewLive(func(ctx context.Context) (*Engine, error) {
		source, err := r.Source()
		if err != nil {
			return nil, err
		}
		return New(ctx, map[string]Persona{"all": {Identity: []Document{read(t, "all", allowAll)}}}, source)
	}, zap.NewNop(), 50*time.Millisecond)
	changes := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() { r.Poll(ctx, changes, func(err error) { l.Report("bundle", err) }) })
	group.Go(func() { l.Run(ctx, changes) })
	defer group.Wait()
	defer cancel()

	within(t, "a refusal", func() bool {
		_, err := l.Engine(ctx)
		return errors.Is(err, ErrPolicy) && strings.Contains(err.Error(), "the server answers 503")
	})
	shelf.mu.Lock()
	shelf.handler = nil
	shelf.mu.Unlock()
	shelf.put(build(t, saying("a"), &sign, nil), `"1"`)
	within(t, "the first bundle", func() bool { _, err := l.Engine(ctx); return err == nil })
	first, message := decided(t, l)
	if message != "a" {
		t.Errorf("it says %q", message)
	}
	shelf.put(build(t, saying("b"), &liar, nil), `"2"`)
	within(t, "a refused bundle", func() bool { return strings.Contains(l.trouble().Error(), "signed with another key") })
	shelf.put(build(t, inMine+"deny contains \"x\" if input.no_such_thing\n", &sign, nil), `"3"`)
	within(t, "a bundle that does not compile", func() bool { return strings.Contains(l.trouble().Error(), "undefined ref: input.no_such_thing") })
	if revision, message := decided(t, l); revision != first || message != "a" {
		t.Errorf("revision %s says %q", revision, message)
	}
	shelf.put(build(t, saying("c"), &sign, nil), `"4"`)
	within(t, "another bundle", func() bool { revision, message := decided(t, l); return message == "c" && revision != first })
}
