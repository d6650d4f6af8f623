package grant

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// reportedLife is how far ahead the reported Expiration lies. It must be under
// the span at which an SDK asks again before each request: botocore 600 s, the
// Go SDK 300 s, both measured. Not all of them do; docs/e2e.md has the list.
const reportedLife = 60 * time.Second

// headerTime is how long a request may take to arrive, and its answer to leave.
const headerTime = 5 * time.Second

// Endpoint is one lane's container-credential endpoint: it answers with the
// leased grant while there is a lease and with 403 otherwise, at once. It
// prints without its path and token.
// Source: "Container credential provider", AWS SDKs and Tools reference guide.
type Endpoint struct {
	server  *http.Server
	address string // as the Host header has it
	path    string
	token   hidden
	file    *tokenFile    // nil if the token travels in the environment
	served  chan struct{} // closed when server has ended

	mu       sync.Mutex
	leases   int
	lent     []*Grant // of the open leases
	grant    *Grant   // the one that is drawn
	draws    int
	refused  int
	onFirst  func() // see OnRefused
	standing Lender // see LendTo
}

// Listen opens an endpoint on a free loopback port, for a server that the
// proxy starts: address, path and token are new each time.
func Listen() (*Endpoint, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open credential endpoint: %w", err)
	}
	return open(l, &Endpoint{path: "/" + rand.Text(), token: hide(newToken())}), nil
}

func newToken() string { return rand.Text() + rand.Text() }

// open lets e answer on l.
func open(l net.Listener, e *Endpoint) *Endpoint {
	e.address, e.served = l.Addr().String(), make(chan struct{})
	e.server = &http.Server{
		Handler: http.HandlerFunc(e.serve), DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: headerTime,
		IdleTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10,
		ConnState: new(connections).changed,
	}
	go func() {
		defer close(e.served)
		// It ends with Close; an earlier end only makes callers fail closed.
		if err := e.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			e.Revoke()
		}
	}()
	return e
}

// Environ is what the upstream needs to find the endpoint. With a token in it,
// not in a file, it is a secret of that process.
func (e *Endpoint) Environ() []string {
	environ := []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://" + e.address + e.path}
	if e.file != nil {
		return append(environ, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="+e.file.path)
	}
	return append(environ, "AWS_CONTAINER_AUTHORIZATION_TOKEN="+e.token.reveal())
}

// Format prints the endpoint without what opens it, whatever the verb.
func (e *Endpoint) Format(w fmt.State, _ rune) { fmt.Fprintf(w, "credential endpoint %s", e.address) }

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
	leases.Add(1)
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

// LendTo sets what is lent to whoever asks without a lease, beginning now: what
// a server needs for its own, not for a call. An SDK waits two seconds for it.
func (e *Endpoint) LendTo(standing Lender) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.standing = standing
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

// Close ends the endpoint and removes its token file.
func (e *Endpoint) Close() error {
	e.Revoke()
	err := e.server.Close()
	<-e.served // or the address might be in use for a moment more
	if e.file != nil {
		err = errors.Join(err, e.file.remove())
	}
	return err
}

func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	switch {
	// The Host check keeps a web page with a rebound name out.
	case r.Host != e.address:
		refuse(w, http.StatusForbidden, "wrong host")
		return
	case slices.ContainsFunc(byOthers, func(name string) bool { return r.Header.Values(name) != nil }):
		refuse(w, http.StatusForbidden, "sent by a web page or through an HTTP proxy; set NO_PROXY="+e.address)
		return
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, "only GET")
		return
	case !r.ProtoAtLeast(1, 1) || r.ContentLength != 0 || r.Header.Values("Upgrade") != nil:
		refuse(w, http.StatusBadRequest, "only HTTP/1.1, and nothing but a head")
		return
	case !e.authorized(r):
		refuse(w, http.StatusUnauthorized, "wrong path or token")
		return
	}
	now := time.Now()
	g, err := e.draw(r.Context(), now)
	if err != nil {
		refuse(w, http.StatusForbidden, err.Error())
		return
	}
	expires := now.Add(reportedLife)
	for _, end := range []time.Time{g.Until, g.Expires} {
		if end.Before(expires) {
			expires = end
		}
	}
	body, err := json.Marshal(map[string]string{
		"AccessKeyId": g.AccessKeyID, "SecretAccessKey": g.secret.reveal(), "Token": g.token.reveal(),
		"RoleArn": g.Role, "Expiration": expires.UTC().Format(time.RFC3339),
	})
	if err != nil {
		refuse(w, http.StatusInternalServerError, "unreadable grant")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(body); err != nil {
		return // the reader went away; nothing was lost but its answer
	}
}

var errNoCall = errors.New("no call is in progress, so there are no credentials")

func (e *Endpoint) draw(ctx context.Context, now time.Time) (*Grant, error) {
	e.mu.Lock()
	standing, leased := e.standing, len(e.lent) > 0
	e.mu.Unlock()
	if standing != nil && !leased {
		return standing(ctx)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.grant == nil || !e.grant.Until.After(now) || !e.grant.Expires.After(now) {
		drawsRefused.Add(1)
		if e.refused++; e.refused == 1 && e.onFirst != nil {
			go e.onFirst()
		}
		return nil, errNoCall
	}
	e.draws++
	drawn.Add(1)
	return e.grant, nil
}

// byOthers are headers that no SDK sends itself: a browser does, or a proxy on
// the way, which would read the answer.
// Source: EC2 user guide, IMDSv2, on X-Forwarded-For; Fetch standard, on the others.
var byOthers = []string{"Forwarded", "X-Forwarded-For", "Via", "Origin", "Sec-Fetch-Site"}

// authorized compares the request's target as it was sent: what was decoded or
// cleaned would let other spellings in. Both are always compared, so that the
// time taken does not tell which is wrong.
func (e *Endpoint) authorized(r *http.Request) bool {
	tokens := r.Header.Values("Authorization")
	known := equal(r.RequestURI, e.path) & equal(strings.Join(tokens, "\n"), e.token.reveal())
	return known == 1 && len(tokens) == 1
}

func equal(a, b string) int { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) }

// refuse answers in the form the SDKs show to their user.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":%q,"message":%q}`, http.StatusText(status), "ecs-mcp-proxy: "+message)
}
