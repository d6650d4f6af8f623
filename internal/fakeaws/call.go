package fakeaws

import (
	"slices"
	"strconv"
	"time"
)

// A call is one request on its way through serve.
type call struct {
	message
	aws                 *AWS
	at                  time.Time // AWS's idea of now
	auth                authorization
	caller              principal
	sourceIP, userAgent string

	resources []string
	allowed   bool
	reason    string
}

// An access is one action on one resource that an operation needs, with the
// condition keys that it carries beside the request's own.
type access struct {
	action, resource string
	keys             keys
}

// authorize decides every access by the caller's policies; the first that is
// not allowed is the answer.
func (c *call) authorize(accesses ...access) *fault {
	for _, x := range accesses {
		if !slices.Contains(c.resources, x.resource) {
			c.resources = append(c.resources, x.resource)
		}
		q := question{x.action, x.resource, c.requestKeys().with(x.keys)}
		v := decide(c.caller.layers, q)
		c.allowed, c.reason = v.allowed, v.reason()
		if !v.allowed {
			return deniedBy(v, c.caller.arn, q)
		}
	}
	return nil
}

// requestKeys are the condition keys that every request carries.
// Source: IAM User Guide, "AWS global condition context keys".
func (c *call) requestKeys() keys {
	k := c.caller.keys()
	k.one("aws:RequestedRegion", c.auth.region)
	k.one("aws:CurrentTime", c.at.UTC().Format(time.RFC3339))
	k.one("aws:EpochTime", strconv.FormatInt(c.at.Unix(), 10))
	k.one("aws:SecureTransport", "false")
	k.one("aws:ViaAWSService", "false")
	if c.sourceIP != "" {
		k.one("aws:SourceIp", c.sourceIP)
	}
	if c.userAgent != "" {
		k.one("aws:UserAgent", c.userAgent)
	}
	return k
}
