package fakeaws

import (
	"crypto/hmac"
	"crypto/rand"
	"net"
	"net/http"
	"strings"
)

// serve answers one request, top to bottom: read, verify, perform, record.
func (a *AWS) serve(w http.ResponseWriter, r *http.Request) {
	m, f := readMessage(r)
	var body []byte
	if f == nil {
		a.hesitate(m, r)
		body, f = a.run(m, r)
	} else {
		a.refuse(m, f)
	}
	w.Header().Set("Date", a.now().UTC().Format(http.TimeFormat))
	m.answer(w, strings.ToLower(rand.Text()), body, f)
}

// run performs a request under the lock and renders its result before the lock
// is given back, since a result may point into the state.
func (a *AWS) run(m message, r *http.Request) ([]byte, *fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := &call{aws: a, message: m, at: a.clock()}
	f := c.authenticate(r)
	var result any
	if f == nil {
		result, f = c.perform()
	}
	c.record(f)
	if f != nil {
		return nil, f
	}
	return m.render(result), nil
}

// refuse records a request that could not be read.
func (a *AWS) refuse(m message, f *fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	(&call{aws: a, message: m, at: a.clock()}).record(f)
}

// authenticate verifies the signature and fills in who calls.
func (c *call) authenticate(r *http.Request) *fault {
	auth, f := parseAuthorization(r.Header)
	if f != nil {
		return f
	}
	c.auth = auth
	k := c.aws.keys[auth.keyID]
	if k == nil {
		return invalidToken()
	}
	token := ""
	if k.principal.session != nil {
		token = k.principal.session.token
	}
	if given := strings.Join(r.Header.Values("X-Amz-Security-Token"), ","); !hmac.Equal([]byte(given), []byte(token)) {
		return invalidToken()
	}
	// The age of a signature is measured on the clock that clients have.
	if f := auth.verify(r, c.body, k.secret, c.aws.now()); f != nil {
		return f
	}
	if s := k.principal.session; s != nil && !c.at.Before(s.expires) {
		return expiredToken()
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		c.sourceIP = host
	}
	c.userAgent = r.UserAgent()
	c.caller = k.principal
	return nil
}

// perform runs the operation; one that is not implemented is authorised first,
// as every other is.
func (c *call) perform() (any, *fault) {
	if c.protocol == unknownProtocol {
		return nil, unknownOperation(c.operation)
	}
	if f := c.failed(); f != nil {
		return nil, f
	}
	switch {
	case c.auth.service == "sts" && c.protocol == queryProtocol:
		if run, ok := stsOperations[c.operation]; ok {
			return run(c)
		}
	case c.auth.service == "cloudformation" && c.protocol == queryProtocol:
		if run, ok := stackOperations[c.operation]; ok {
			return run(c)
		}
	case c.auth.service == "ecr" && c.target == ecrTarget:
		if run, ok := ecrOperations[c.operation]; ok {
			return run(c)
		}
	case c.auth.service == "logs" && c.target == logsTarget:
		if run, ok := logsOperations[c.operation]; ok {
			return run(c)
		}
	case c.auth.service == "ecs" && c.target == ecsTarget:
		if run, ok := ecsOperations[c.operation]; ok {
			return run(c)
		}
	}
	accesses, f := c.otherAccesses()
	if f == nil {
		f = c.authorize(accesses...)
	}
	if f == nil {
		f = unknownOperation(c.operation)
	}
	return nil, f
}

// record notes the request, whatever became of it.
func (c *call) record(f *fault) {
	r := Request{
		At: c.at, Service: c.auth.service, Action: c.auth.service + ":" + c.operation, Region: c.auth.region,
		AccessKeyID: c.auth.keyID, Principal: c.caller.arn, Resource: c.resources,
		Allowed: c.allowed, Reason: c.reason, Params: c.params(),
	}
	if s := c.caller.session; s != nil {
		r.Session = s.name
	}
	if f != nil {
		r.Code = f.codeFor(c.protocol)
	}
	c.aws.requests = append(c.aws.requests, r)
}
