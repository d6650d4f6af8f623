package policy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	fetchTime  = 30 * time.Second
	firstRetry = time.Second
)

// Remote is a bundle at an address, which is asked again and again whether there
// is a newer one. What is not verified and well-formed replaces nothing.
type Remote struct {
	url       *url.URL
	tokenFile string
	key       *Key
	polling   time.Duration
	client    *http.Client

	source atomic.Pointer[Source] // the last good one
	etag   string                 // of the last good one
	sum    [sha256.Size]byte      // of the last good one
}

// NewRemote returns a Remote that has fetched nothing yet. The address must be
// https, or http on this machine, which is checked again when it is dialled.
// Redirects are not followed: the token and the trust are for this address.
func NewRemote(address, tokenFile string, key *Key, polling time.Duration) (*Remote, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%w: fetch bundle: the address must be an https URL", ErrPolicy)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // the bundle is compressed; nothing else is unpacked
	if u.Scheme == "http" {
		transport.Proxy = nil
		transport.DialContext = (&net.Dialer{Timeout: fetchTime, Control: onlyLoopback}).DialContext
	}
	return &Remote{url: u, tokenFile: tokenFile, key: key, polling: polling, client: &http.Client{Transport: transport, Timeout: fetchTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

func onlyLoopback(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%s is not on this machine, and http is for this machine only; use https", address)
	}
	return nil
}

// Source returns the last good bundle.
func (r *Remote) Source() (Source, error) {
	if s := r.source.Load(); s != nil {
		return *s, nil
	}
	return Source{}, fmt.Errorf("%w: the bundle at %s has not come yet", ErrPolicy, r.shown())
}

// Fetch asks once, for whoever needs the bundle of now and no later one.
func (r *Remote) Fetch(ctx context.Context) (Source, error) {
	if _, err := r.fetch(ctx); err != nil {
		return Source{}, err
	}
	return r.Source()
}

// Arrived reports whether there is a good bundle.
func (r *Remote) Arrived() bool { return r.source.Load() != nil }

// Poll fetches the bundle until ctx ends: at once, then as often as configured,
// and after a failure sooner, at growing distances. It reports how each fetch
// went and sends for each newer bundle.
func (r *Remote) Poll(ctx context.Context, changes chan<- struct{}, report func(error)) {
	for failures, pause := 0, time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		newer, err := r.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		report(err)
		if newer {
			select {
			case changes <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
		failures++
		if err == nil {
			failures = 0
		}
		pause = pauseAfter(failures, r.polling)
	}
}

// pauseAfter spreads many proxies over time.
func pauseAfter(failures int, polling time.Duration) time.Duration {
	pause := polling
	if failures > 0 {
		pause = min(polling, firstRetry<<min(failures-1, 16))
	}
	return pause - time.Duration(rand.Int64N(int64(pause)/5+1))
}

// fetch asks once and reports whether there is another good bundle now.
func (r *Remote) fetch(ctx context.Context) (newer bool, err error) {
	answer, err := r.ask(ctx)
	if err != nil {
		return false, fmt.Errorf("%w: fetch bundle from %s: %w", ErrPolicy, r.shown(), err)
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusNotModified && r.Arrived():
		return false, nil
	case answer.StatusCode != http.StatusOK:
		return false, fmt.Errorf("%w: fetch bundle from %s: %s", ErrPolicy, r.shown(), statusHint(answer))
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxSourceBytes+1))
	switch {
	case err != nil:
		return false, fmt.Errorf("%w: fetch bundle from %s: %w", ErrPolicy, r.shown(), plain(err))
	case len(b) > maxSourceBytes:
		return false, fmt.Errorf("%w: fetch bundle from %s: it is larger than %d bytes", ErrPolicy, r.shown(), maxSourceBytes)
	}
	sum := sha256.Sum256(b)
	if r.Arrived() && sum == r.sum {
		r.etag = answer.Header.Get("ETag")
		return false, nil
	}
	source, err := ReadBundle(r.shown(), b, r.key)
	if err != nil {
		return false, err
	}
	r.source.Store(&source)
	r.etag, r.sum = answer.Header.Get("ETag"), sum
	return true, nil
}

func (r *Remote) ask(ctx context.Context) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url.String(), nil)
	if err != nil {
		return nil, plain(err)
	}
	request.Header.Set("User-Agent", "ecs-mcp-proxy")
	request.Header.Set("Accept", "application/gzip, application/octet-stream, */*")
	if r.etag != "" && r.Arrived() {
		request.Header.Set("If-None-Match", r.etag)
	}
	if r.tokenFile != "" {
		token, err := readToken(r.tokenFile)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, plain(err)
	}
	return answer, nil
}

// readToken never puts the token into an error.
func readToken(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	token := string(bytes.TrimSpace(b))
	if token == "" || len(token) > 16<<10 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", fmt.Errorf("read token: %s must hold one bearer token and nothing else", path)
	}
	return token, nil
}

// shown is the address without what may be secret in it.
func (r *Remote) shown() string {
	return (&url.URL{Scheme: r.url.Scheme, Host: r.url.Host, Path: r.url.Path}).String()
}

// plain takes the address out of an error of net/http, which repeats it whole.
func plain(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

func statusHint(answer *http.Response) string {
	hint := ""
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		hint = "; look at policy.bundle.token_file"
	case code == http.StatusNotFound:
		hint = "; look at policy.bundle.url"
	case code >= 300 && code < 400:
		hint = "; redirects are not followed: name the address that holds the bundle"
	}
	return fmt.Sprintf("the server answers %d%s", answer.StatusCode, hint)
}
