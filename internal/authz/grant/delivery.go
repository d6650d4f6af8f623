package grant

import (
	"context"
	"time"
)

// Delivery is how credentials reach the server. The zero value delivers none
// and mints none, like DeliverNone, but is no valid configuration.
type Delivery string

const (
	// DeliverLease: the server draws them from an [Endpoint] while its call is in progress.
	DeliverLease Delivery = "lease"
	// DeliverProcess: every call has a process of its own with them in its environment.
	DeliverProcess Delivery = "process"
	// DeliverSigV4: the server is an AWS service; the proxy signs each request to it,
	// and every call has a connection of its own.
	DeliverSigV4 Delivery = "sigv4"
	// DeliverNone: the server has credentials of its own; policy is all that bounds it.
	DeliverNone Delivery = "none"
)

// PerCall reports whether each call that uses AWS has a server to itself: a
// process, or a connection.
func (d Delivery) PerCall() bool { return d == DeliverProcess || d == DeliverSigV4 }

// Lends reports whether calls are lent credentials at all.
func (d Delivery) Lends() bool { return d == DeliverLease || d.PerCall() }

// Means is how one server comes by credentials.
type Means struct {
	Environ []string // of a process that is started
	// Grant is what the next request of a connection is signed with; nil: they are
	// not signed.
	Grant Lender
}

// A Lender returns the grant that is lent now, or why there is none.
type Lender func(context.Context) (*Grant, error)

// Environ is the grant as the SDKs read it from the environment. It is a secret
// of the one process that it is for.
// Source: AWS SDKs and Tools reference guide, "Access keys".
func (g *Grant) Environ() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + g.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + g.secret.reveal(),
		"AWS_SESSION_TOKEN=" + g.token.reveal(),
		"AWS_CREDENTIAL_EXPIRATION=" + g.Expires.UTC().Format(time.RFC3339),
	}
}
