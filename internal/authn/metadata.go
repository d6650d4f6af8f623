package authn

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// wellKnown is where a resource's metadata is. Source: RFC 9728, 3.
const wellKnown = "/.well-known/oauth-protected-resource"

// Metadata tells clients where to get a token for a resource, which is a URL.
type Metadata struct {
	// URL of the metadata, for WWW-Authenticate. Source: RFC 9728, 5.1.
	URL     string
	paths   []string
	handler http.Handler
}

// NewMetadata describes a resource whose tokens are the issuer's. It is served for
// the resource's own path, the one at which the proxy has it, and the root.
func NewMetadata(resource, issuer, path string) (*Metadata, error) {
	u, err := url.Parse(resource)
	if err != nil {
		return nil, err
	}
	suffix := strings.TrimSuffix(u.EscapedPath(), "/")
	return &Metadata{URL: u.Scheme + "://" + u.Host + wellKnown + suffix, paths: []string{wellKnown, wellKnown + suffix, wellKnown + path},
		handler: auth.ProtectedResourceMetadataHandler(&oauthex.ProtectedResourceMetadata{Resource: resource,
			AuthorizationServers: []string{issuer}, BearerMethodsSupported: []string{"header"}})}, nil
}

// Before serves the metadata, to whoever asks, and everything else by next.
func (m *Metadata) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, path := range m.paths {
			if r.URL.Path == path {
				w.Header().Set("X-Content-Type-Options", "nosniff")
				m.handler.ServeHTTP(w, r)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
