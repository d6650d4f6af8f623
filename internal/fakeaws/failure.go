package fakeaws

import (
	"cmp"
	"net/http"
	"time"
)

// Failure is what AWS answers to a request instead of deciding it.
type Failure struct {
	// Code and Message are the error, "ServiceUnavailable"; without a code the
	// request is decided as ever, only later.
	Code, Message string
	Status        int           // in the query protocol; zero means 400
	Delay         time.Duration // before the answer
}

// failing is a Failure and how many requests it is left for.
type failing struct {
	Failure
	left int // below zero: until it is replaced
}

// Fail answers the next so many requests for an action ("sts:AssumeRole") with
// f, before they are decided; times below zero means until it is set anew, zero
// ends it.
func (a *AWS) Fail(action string, times int, f Failure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failures[action] = &failing{f, times}
}

// Throttle answers the next so many requests for an action with AWS's
// throttling error, before they are decided.
func (a *AWS) Throttle(action string, times int) {
	a.Fail(action, times, Failure{Code: throttling, Message: "Rate exceeded"})
}

// throttling stands for the code of either protocol.
const throttling = "Throttling"

// hesitate waits as long as the request's failure says, without the lock.
func (a *AWS) hesitate(m message, r *http.Request) {
	auth, f := parseAuthorization(r.Header)
	if f != nil {
		return
	}
	a.mu.Lock()
	x := a.failures[auth.service+":"+m.operation]
	wait := time.Duration(0)
	if x != nil && x.left != 0 {
		wait = x.Delay
	}
	a.mu.Unlock()
	if wait == 0 {
		return
	}
	select {
	case <-time.After(wait):
	case <-r.Context().Done():
	}
}

// failed uses up one failure that a test asked for.
func (c *call) failed() *fault {
	x := c.aws.failures[c.auth.service+":"+c.operation]
	if x == nil || x.left == 0 {
		return nil
	}
	if x.left > 0 {
		x.left--
	}
	if x.Code == "" {
		return nil
	}
	code := x.Code
	if code == throttling {
		code = "ThrottlingException"
	}
	return &fault{code, x.Code, cmp.Or(x.Status, http.StatusBadRequest), x.Message}
}
