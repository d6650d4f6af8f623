package grant

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// reportedLife is how far ahead the reported Expiration lies. It must be under
// the span at which every SDK asks again before each request: botocore 600 s,
// the Go and JavaScript SDKs 300 s, all measured.
const reportedLife = 60 * time.Second

// Endpoint is one lane's container-credential endpoint: it answers with the
// leased grant while there is a lease and with 403 otherwise, at once.
// Source: "Container credential provider", AWS SDKs and Tools reference guide.
type Endpoint struct {
	listener net.Listener
	server   *http.Server
	path     string
	token    string

	mu      sync.Mutex
	leases  int
	lent    []*Grant // of the open leases
	grant   *Grant   // the one that is drawn
	draws   int
	refused int
	onFirst func() // see OnRefused
}

// Listen opens an endpoint on a free loopback port.
func Listen() (*Endpoint, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open credential endpoint: %w", err)
	}
	e := &Endpoint{listener: l, path: "/" + rand.Text(), token: rand.Text() + rand.Text()}
	e.server = &http.Server{
		Handler: http.HandlerFunc(e.serve), ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10,
	}
	go func() { // ends with Close; an earlier end only makes callers fail closed
		if err := e.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			e.Revoke()
		}
	}()
	return e, nil
}

// Environ is what the upstream needs to find the endpoint; it is a secret of
// that process.
func (e *Endpoint) Environ() []string {
	return []string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://" + e.listener.Addr().String() + e.path,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN=" + e.token,
	}
}

// Lease lets the upstream draw g until the returned function is called. Leases
// of one scope may overlap; the newest grant is the one that is drawn, and the
// last end withdraws it. The end says how often credentials were drawn since
// the first of the overlapping leases began.
func (e *Endpoint) Lease(g *Grant) (end func() (draws int)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.leases == 0 {
		e.draws = 0
	}
	e.leases++
	e.lent = append(e.lent, g)
	e.choose()
	var once sync.Once
	return func() int {
		e.mu.Lock()
		defer e.mu.Unlock()
		once.Do(func() {
			e.leases--
			i := slices.Index(e.lent, g)
			if i >= 0 { // not revoked
				e.lent = slices.Delete(e.lent, i, i+1)
			}
			e.choose()
		})
		return e.draws
	}
}

// choose lends the grant that lasts longest of those that are leased.
func (e *Endpoint) choose() {
	e.grant = nil
	for _, g := range e.lent {
		if e.grant == nil || !g.Until.Before(e.grant.Until) {
			e.grant = g
		}
	}
}

// Revoke withdraws the grant whoever still holds a lease; later leases work.
func (e *Endpoint) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lent, e.grant = nil, nil
}

// OnRefused sets what is called at the first request without a lease since
// TakeRefused was called: it is the plainest sign of a server that misbehaves.
func (e *Endpoint) OnRefused(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.onFirst = f
	if e.refused > 0 {
		go f()
	}
}

// TakeRefused counts the requests that found no lease since it was last asked.
func (e *Endpoint) TakeRefused() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.refused
	e.refused = 0
	return n
}

// Close ends the endpoint.
func (e *Endpoint) Close() error {
	e.Revoke()
	return e.server.Close()
}

func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	switch {
	// The Host check keeps a web page with a rebound name out.
	case r.Host != e.listener.Addr().String():
		refuse(w, http.StatusForbidden, "wrong host")
		return
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, "only GET")
		return
	case !equal(r.URL.Path, e.path) || r.URL.RawQuery != "" || !e.authorized(r.Header.Values("Authorization")):
		refuse(w, http.StatusUnauthorized, "wrong path or token")
		return
	}
	g := e.draw(time.Now())
	if g == nil {
		refuse(w, http.StatusForbidden, "no call is in progress, so there are no credentials")
		return
	}
	expires := time.Now().Add(reportedLife)
	if g.Until.Before(expires) {
		expires = g.Until
	}
	if g.Expires.Before(expires) {
		expires = g.Expires
	}
	w.Header().Set("Content-Type", "application/json")
	body, err := json.Marshal(map[string]string{
		"AccessKeyId": g.AccessKeyID, "SecretAccessKey": g.secret, "Token": g.token,
		"RoleArn": g.Role, "Expiration": expires.UTC().Format(time.RFC3339),
	})
	if err != nil {
		refuse(w, http.StatusInternalServerError, "unreadable grant")
		return
	}
	if _, err := w.Write(body); err != nil {
		return // the reader went away; nothing was lost but its answer
	}
}

func (e *Endpoint) draw(now time.Time) *Grant {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.grant == nil || !e.grant.Until.After(now) {
		if e.refused++; e.refused == 1 && e.onFirst != nil {
			go e.onFirst()
		}
		return nil
	}
	e.draws++
	return e.grant
}

func (e *Endpoint) authorized(headers []string) bool {
	return len(headers) == 1 && equal(headers[0], e.token)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// refuse answers in the form the SDKs show to their user.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":%q,"message":%q}`, http.StatusText(status), "ecs-mcp-proxy: "+message)
}
