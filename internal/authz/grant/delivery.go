package grant

import "time"

// Delivery is how credentials reach the server. The zero value delivers none
// and mints none, like DeliverNone, but is no valid configuration.
type Delivery string

const (
	// DeliverLease: the server draws them from an [Endpoint] while its call is in progress.
	DeliverLease Delivery = "lease"
	// DeliverProcess: every call has a process of its own with them in its environment.
	DeliverProcess Delivery = "process"
	// DeliverNone: the server has credentials of its own; policy is all that bounds it.
	DeliverNone Delivery = "none"
)

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
