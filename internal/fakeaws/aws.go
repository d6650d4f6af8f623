package fakeaws

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config says which account is faked. Zero values stand for account
// 123456789012, region us-east-1 and the real clock.
type Config struct {
	Account string
	// Region is where the Add functions put resources. Requests name their own
	// region by their signature, and see that region's resources.
	Region string
	Now    func() time.Time
}

// AWS is one fake account. It is safe for concurrent use; requests are
// answered one at a time.
type AWS struct {
	account, region, partition string
	now                        func() time.Time

	mu         sync.Mutex
	advanced   time.Duration
	keys       map[string]*accessKey // by access key id
	roles      map[string]*role      // by ARN
	users      map[string]bool       // by ARN
	state      state
	failures   map[string]*failing // by action
	requests   []Request
	sessions   []Session
	violations []string
	server     *http.Server
}

// New returns an account without users, roles or resources.
func New(c Config) *AWS {
	if c.Account == "" {
		c.Account = "123456789012"
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &AWS{
		account: c.Account, region: c.Region, partition: partitionOf(c.Region), now: c.Now,
		keys: map[string]*accessKey{}, roles: map[string]*role{}, users: map[string]bool{},
		state: newState(), failures: map[string]*failing{},
	}
}

func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	}
	return "aws"
}

// Advance moves AWS's idea of now forward without sleeping: what
// aws:CurrentTime says and when session keys expire. Clients may stay on the
// real clock; the age of their signatures is measured against that.
func (a *AWS) Advance(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.advanced += d
}

// clock is AWS's idea of now. The caller holds the lock.
func (a *AWS) clock() time.Time { return a.now().Add(a.advanced) }

// Handler answers every service on one endpoint, as emulators do; which service
// and region a request means stands in its signature.
func (a *AWS) Handler() http.Handler { return http.HandlerFunc(a.serve) }

// Start serves Handler on a free loopback port and returns its URL, for
// AWS_ENDPOINT_URL. Close stops it.
func (a *AWS) Start() (endpoint string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil {
		return "", errors.New("start fake AWS: already started")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("start fake AWS: %w", err)
	}
	a.server = &http.Server{Handler: a.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go a.server.Serve(listener) // ends with ErrServerClosed at Close
	return "http://" + listener.Addr().String(), nil
}

// Close stops what Start started; open requests are cut off. State and records
// stay readable.
func (a *AWS) Close() error {
	a.mu.Lock()
	server := a.server
	a.server = nil
	a.mu.Unlock()
	if server == nil {
		return nil
	}
	if err := server.Close(); err != nil {
		return fmt.Errorf("close fake AWS: %w", err)
	}
	return nil
}
