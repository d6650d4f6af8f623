package grant

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// canary is a secret that may leave the package in one place only.
const canary = "CANARYsecretCANARY"

func canaryGrant() *Grant {
	g := lent("ASIACANARY", time.Minute)
	g.secret, g.token = hide(canary), hide(canary+"token")
	return g
}

// dialed sends bytes as they are and returns all that comes back.
func dialed(t *testing.T, e *Endpoint, raw string) string {
	t.Helper()
	c, err := net.Dial("tcp", e.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil && len(answer) == 0 {
		t.Fatalf("no answer: %v", err)
	}
	return string(answer)
}

// A parser that cleans, decodes or merges what it reads would accept some of
// these; CVE-2026-26205 and CVE-2026-26308 are of that kind.
func TestOnlyTheExactRequestOpensTheEndpoint(t *testing.T) {
	e, _, token := endpointOf(t)
	defer e.Lease(canaryGrant())()
	host, auth, end := "Host: "+e.address+"\r\n", "Authorization: "+token+"\r\n", "Connection: close\r\n\r\n"
	line := func(target string) string { return "GET " + target + " HTTP/1.1\r\n" }
	if answer := dialed(t, e, line(e.path)+host+auth+end); !strings.HasPrefix(answer, "HTTP/1.1 200 ") || !strings.Contains(answer, canary) {
		t.Fatalf("the exact request: %s", answer)
	}
	_, port, _ := net.SplitHostPort(e.address)
	tests := map[string]string{
		"two slashes":                      line("/"+e.path) + host + auth + end,
		"a slash at the end":               line(e.path+"/") + host + auth + end,
		"a dot segment":                    line("/."+e.path) + host + auth + end,
		"a dot segment that leads back":    line("/x/.."+e.path) + host + auth + end,
		"an encoded letter":                line(fmt.Sprintf("/%%%02X%s", e.path[1], e.path[2:])) + host + auth + end,
		"an encoded slash":                 line("/%2F"+e.path[1:]) + host + auth + end,
		"other case":                       line(strings.ToLower(e.path)) + host + auth + end,
		"a path parameter":                 line(e.path+";x") + host + auth + end,
		"an empty query":                   line(e.path+"?") + host + auth + end,
		"a fragment":                       line(e.path+"#x") + host + auth + end,
		"the absolute form":                line("http://"+e.address+e.path) + host + auth + end,
		"the absolute form of another":     line("http://evil.example"+e.path) + host + auth + end,
		"an authority in the path":         line("//"+e.address+e.path) + host + auth + end,
		"no slash":                         line(e.path[1:]) + host + auth + end,
		"asterisk":                         line("*") + host + auth + end,
		"OPTIONS asterisk":                 "OPTIONS * HTTP/1.1\r\n" + host + auth + end,
		"CONNECT":                          "CONNECT " + e.address + " HTTP/1.1\r\n" + host + auth + end,
		"the method in lower case":         "get " + e.path + " HTTP/1.1\r\n" + host + auth + end,
		"HTTP/1.0":                         "GET " + e.path + " HTTP/1.0\r\n" + host + auth + "\r\n",
		"HTTP/1.0 without a host":          "GET " + e.path + " HTTP/1.0\r\n" + auth + "\r\n",
		"HTTP/0.9":                         "GET " + e.path + "\r\n\r\n",
		"HTTP/2 by prior knowledge":        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"an upgrade to HTTP/2":             line(e.path) + host + auth + "Upgrade: h2c\r\n" + end,
		"no host":                          line(e.path) + auth + end,
		"two hosts":                        line(e.path) + host + host + auth + end,
		"localhost by name":                line(e.path) + "Host: localhost:" + port + "\r\n" + auth + end,
		"another loopback address":         line(e.path) + "Host: 127.0.0.2:" + port + "\r\n" + auth + end,
		"the host without its port":        line(e.path) + "Host: 127.0.0.1\r\n" + auth + end,
		"the host with a dot at its end":   line(e.path) + "Host: 127.0.0.1.:" + port + "\r\n" + auth + end,
		"the token twice":                  line(e.path) + host + auth + auth + end,
		"the token and another":            line(e.path) + host + auth + "Authorization: x\r\n" + end,
		"two tokens in one":                line(e.path) + host + "Authorization: " + token + ", " + token + "\r\n" + end,
		"the token on two lines":           line(e.path) + host + "Authorization: " + token[:9] + "\r\n " + token[9:] + "\r\n" + end,
		"the token for a proxy":            line(e.path) + host + "Proxy-Authorization: " + token + "\r\n" + end,
		"the token in a query":             line(e.path+"?token="+token) + host + end,
		"no token":                         line(e.path) + host + end,
		"an empty token":                   line(e.path) + host + "Authorization:\r\n" + end,
		"a body":                           line(e.path) + host + auth + "Content-Length: 1\r\n" + end + "x",
		"a body in chunks":                 line(e.path) + host + auth + "Transfer-Encoding: chunked\r\n" + end + "0\r\n\r\n",
		"two lengths":                      line(e.path) + host + auth + "Content-Length: 0\r\nContent-Length: 1\r\n" + end,
		"through a proxy (IMDSv2's check)": line(e.path) + host + auth + "X-Forwarded-For: 10.0.0.1\r\n" + end,
		"through a proxy that says so":     line(e.path) + host + auth + "Via: 1.1 proxy\r\n" + end,
		"from a web page":                  line(e.path) + host + auth + "Origin: http://evil.example\r\n" + end,
		"a method by override":             "POST " + e.path + " HTTP/1.1\r\n" + host + auth + "X-HTTP-Method-Override: GET\r\n" + end,
		"a head over its size":             line(e.path) + host + auth + "X: " + strings.Repeat("x", 64<<10) + "\r\n" + end,
	}
	for name, raw := range tests {
		t.Run(name, func(t *testing.T) {
			answer := dialed(t, e, raw)
			status, _, _ := strings.Cut(answer, "\r\n")
			if !strings.HasPrefix(status, "HTTP/1.1 4") && !strings.HasPrefix(status, "HTTP/1.0 4") && !strings.HasPrefix(status, "HTTP/1.1 505 ") {
				t.Errorf("answer %q, want a refusal", status)
			}
			for _, secret := range []string{canary, token, e.path, "ASIA", "\nLocation:"} {
				if strings.Contains(answer, secret) {
					t.Errorf("%q leaks: %s", secret, answer)
				}
			}
		})
	}
}

func TestAHeadThatDoesNotArriveEndsTheConnection(t *testing.T) {
	t.Parallel()
	e, _, token := endpointOf(t)
	defer e.Lease(canaryGrant())()
	if answer := dialed(t, e, "GET "+e.path+" HTTP/1.1\r\nHost: "+e.address+"\r\nAuthorization: "+token+"\r\n"); strings.Contains(answer, canary) {
		t.Errorf("half a request is answered: %s", answer)
	}
}

func TestConnectionsThatAreHeldOpenKeepNobodyOut(t *testing.T) {
	e, url, token := endpointOf(t)
	defer e.Lease(canaryGrant())()
	var held []net.Conn
	for range 4 * maxConnections {
		c, err := net.Dial("tcp", e.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		held = append(held, c)
	}
	if status, body := ask(t, "GET", url, "", token); status != http.StatusOK || body["SecretAccessKey"] != canary {
		t.Errorf("status %d", status)
	}
	for _, c := range held[:3*maxConnections] {
		c.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("an old connection is still open: %v", err)
		}
	}
}

func TestNeitherGrantNorEndpointPrintsASecret(t *testing.T) {
	e, _, token := endpointOf(t)
	g := canaryGrant()
	defer e.Lease(g)()
	b := NewBroker(nil)
	b.reads["scope"] = g
	type holder struct {
		Grant    *Grant
		Value    Grant
		Endpoint *Endpoint
		pointer  *Grant
		value    Grant
		inside   *Endpoint
	}
	h := holder{g, *g, e, g, *g, e}
	things := []any{g, *g, e, b, h, &h, []*Grant{g}, []Grant{*g}, map[string]any{"g": g, "e": e}, fmt.Errorf("call: %v %v: %w", g, e, ErrCredentials)}
	for _, thing := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			noSecret(t, verb, fmt.Sprintf(verb, thing), token)
		}
		text, err := json.Marshal(thing)
		if err != nil && thing != any(b) {
			t.Errorf("%T: %v", thing, err)
		}
		noSecret(t, "JSON", string(text), token)
	}
}

func noSecret(t *testing.T, how, text string, more ...string) {
	t.Helper()
	for _, secret := range append(more, canary) {
		if strings.Contains(text, secret) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", secret)) {
			t.Errorf("%s leaks: %s", how, text)
		}
	}
}

// FuzzEndpoint reads a request as the server does and asks the handler: only
// the bytes of the one request may be answered with credentials.
func FuzzEndpoint(f *testing.F) {
	e := &Endpoint{address: "127.0.0.1:1", path: "/p", token: hide("t")}
	e.Lease(&Grant{AccessKeyID: "ASIA", secret: hide(canary), token: hide(canary), Until: time.Now().Add(time.Hour), Expires: time.Now().Add(time.Hour)})
	exact := "GET /p HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: t\r\n"
	for _, seed := range []string{
		exact + "\r\n", exact + "Accept: */*\r\n\r\n", exact + "Authorization: t\r\n\r\n", exact + "Content-Length: 1\r\n\r\nx",
		exact + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", exact + "X-Forwarded-For: 1\r\n\r\n", exact + "Host: x\r\n\r\n",
		"GET //p HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: t\r\n\r\n", "GET /%70 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: t\r\n\r\n",
		"GET http://127.0.0.1:1/p HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: t\r\n\r\n", "GET /p HTTP/1.0\r\nHost: 127.0.0.1:1\r\nAuthorization: t\r\n\r\n",
		"POST /p HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: t\r\n\r\n", "GET /p? HTTP/1.1\nhost: 127.0.0.1:1\nauthorization:t\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		e.serve(w, r)
		opened := strings.Contains(w.Body.String(), canary)
		if opened && !isExact(raw) {
			t.Errorf("answered with credentials: %q", raw)
		}
		if opened != (w.Code == http.StatusOK) || !opened && (w.Code < 400 || w.Code > 499) || w.Header().Get("Location") != "" {
			t.Errorf("status %d for %q", w.Code, raw)
		}
	})
}

// isExact reads the head again, line by line and with nothing of net/http. Of
// two Host headers it takes the first: the server itself refuses such a request
// before the handler, see above.
func isExact(raw []byte) bool {
	first, rest, _ := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n")
	head, _, _ := strings.Cut(rest, "\n\n")
	if first != "GET /p HTTP/1.1" {
		return false
	}
	fields := map[string][]string{}
	name := ""
	for line := range strings.SplitSeq(head, "\n") {
		var value string
		if folded := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"); folded && len(fields[name]) > 0 {
			last := &fields[name][len(fields[name])-1]
			*last = strings.Trim(*last+" "+strings.Trim(line, " \t"), " \t")
			continue
		}
		name, value, _ = strings.Cut(line, ":")
		name = strings.ToLower(name)
		fields[name] = append(fields[name], strings.Trim(value, " \t"))
	}
	for _, name := range []string{"transfer-encoding", "upgrade", "forwarded", "x-forwarded-for", "via", "origin", "sec-fetch-site"} {
		if fields[name] != nil {
			return false
		}
	}
	for _, length := range fields["content-length"] {
		if strings.Trim(length, "0") != "" {
			return false
		}
	}
	hosts, tokens := fields["host"], fields["authorization"]
	return len(hosts) > 0 && hosts[0] == "127.0.0.1:1" && len(tokens) == 1 && tokens[0] == "t"
}
