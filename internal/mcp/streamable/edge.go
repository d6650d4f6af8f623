package streamable

import (
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// edge is what a request must be before anything of it is read: made for this
// host, by no page of another site, and no form of a browser.
// Sources: GHSA-xw59-hvm2-8pj6, GHSA-89xv-2j6f-qhc8; MCP, transports: security warning.
type edge struct {
	hosts   []string // that may stand in Host, without port; loopback names when empty
	origins []string // that may stand in Origin beside the hosts' own
}

// refuses says why a request is refused, with the status; 0 lets it pass.
func (e edge) refuses(r *http.Request) (status int, why string) {
	if len(r.Header.Values("Host")) > 0 || !e.isHost(r.Host) {
		return http.StatusForbidden, "this host name is not served; add it to listen.hosts"
	}
	switch origins := r.Header.Values("Origin"); {
	case len(origins) > 1, len(origins) == 1 && !e.isOrigin(origins[0]):
		return http.StatusForbidden, "requests of this origin are not served; add it to listen.origins"
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" && len(r.Header.Values("Origin")) == 0 {
		return http.StatusForbidden, "requests of another site are not served"
	}
	for _, name := range []string{"Authorization", "Mcp-Session-Id", "Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name", "Last-Event-Id", "Content-Type", "Content-Encoding"} {
		if len(r.Header.Values(name)) > 1 { // CVE-2026-26308: readers differ in which they take
			return http.StatusBadRequest, "the header " + name + " stands there twice; send it once"
		}
	}
	for name, values := range r.Header {
		if strings.HasPrefix(name, parameterPrefix) && len(values) > 1 {
			return http.StatusBadRequest, "a header " + parameterPrefix + "… stands there twice; send it once"
		}
	}
	if r.Method != http.MethodPost {
		return 0, ""
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return http.StatusUnsupportedMediaType, "the body is encoded; send it as it is"
	}
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := parameters["charset"]; err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return http.StatusUnsupportedMediaType, "the content type must be application/json"
	}
	return 0, ""
}

func (e edge) isHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if len(e.hosts) == 0 {
		ip := net.ParseIP(name)
		return name == "localhost" || ip != nil && ip.IsLoopback()
	}
	return slices.ContainsFunc(e.hosts, func(h string) bool { return strings.EqualFold(h, name) })
}

func (e edge) isOrigin(origin string) bool {
	if slices.Contains(e.origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && e.isHost(u.Host)
}
