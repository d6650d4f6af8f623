package fakeaws

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Guard puts a service of its own behind this account's front door: next sees
// only requests that a known key signed for the service and region, and whose
// policies allow the actions that the request needs, on resource "*". Whatever
// becomes of a request is on record, as "SERVICE:METHOD PATH".
func (a *AWS) Guard(service string, actions func(r *http.Request, body []byte) []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, `{"message":"the request is too large"}`, http.StatusRequestEntityTooLarge)
			return
		}
		caller, f := a.admit(service, r, body, actions(r, body))
		w.Header().Set("Date", a.now().UTC().Format(http.TimeFormat))
		if f != nil {
			b, err := json.Marshal(map[string]string{"message": f.message})
			if err != nil {
				panic(err) // a map of strings
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Amzn-Errortype", f.code)
			w.WriteHeader(http.StatusForbidden)
			w.Write(b) // the client is gone
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
	})
}

// admit verifies and authorises a request, and puts it on record.
func (a *AWS) admit(service string, r *http.Request, body []byte, actions []string) (*Caller, *fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := &call{aws: a, message: message{operation: r.Method + " " + r.URL.Path, body: body}, at: a.clock()}
	f := c.authenticate(r)
	if f == nil && (c.auth.service != service || c.auth.region != a.region) {
		f = badSignature(fmt.Sprintf("Credential should be scoped to %s in %s.", service, a.region))
	}
	for _, action := range actions {
		if f == nil {
			f = c.authorize(access{action: action, resource: "*"})
		}
	}
	c.record(f)
	return &Caller{aws: a, auth: c.auth, principal: c.caller, sourceIP: c.sourceIP, userAgent: c.userAgent}, f
}

type callerKey struct{}

// Caller is who signed a request that came through a Guard.
type Caller struct {
	aws                 *AWS
	auth                authorization
	principal           principal
	sourceIP, userAgent string
}

// CallerOf returns who signed the request of this context; nil if it came
// through no Guard.
func CallerOf(ctx context.Context) *Caller {
	c, _ := ctx.Value(callerKey{}).(*Caller)
	return c
}

// AccessKeyID is the key that signed the request.
func (c *Caller) AccessKeyID() string { return c.auth.keyID }

// ARN is the caller's, as AWS names it.
func (c *Caller) ARN() string { return c.principal.arn }

// Refused is what AWS answered in the place of a result.
type Refused struct{ Code, Operation, Message string }

// Error words it as AWS's SDK for Python does.
func (r *Refused) Error() string {
	return fmt.Sprintf("An error occurred (%s) when calling the %s operation: %s", r.Code, r.Operation, r.Message)
}

// Do performs an operation of ECS or of another service for the caller, with the
// caller's own permissions, as AWS's services do for whom they serve. The error
// is a *Refused, or says that params cannot be written.
// Source: IAM user guide, "Forward access sessions".
func (c *Caller) Do(service, operation string, params any) (json.RawMessage, error) {
	body, err := json.Marshal(params)
	if err != nil {
		return nil, fmt.Errorf("write parameters: %w", err)
	}
	c.aws.mu.Lock()
	defer c.aws.mu.Unlock()
	auth := c.auth
	auth.service = service
	inner := &call{aws: c.aws, message: message{protocol: jsonProtocol, operation: operation, target: service, body: body},
		at: c.aws.clock(), auth: auth, caller: c.principal, sourceIP: c.sourceIP, userAgent: c.userAgent}
	if service == "ecs" {
		inner.target = ecsTarget
	}
	result, f := inner.perform()
	inner.record(f)
	if f != nil {
		return nil, &Refused{Code: f.code, Operation: operation, Message: f.message}
	}
	return inner.render(result), nil
}
