package grant

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func endpointOf(t *testing.T) (e *Endpoint, url, token string) {
	t.Helper()
	e, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	for _, v := range e.Environ() {
		name, value, _ := strings.Cut(v, "=")
		switch name {
		case "AWS_CONTAINER_CREDENTIALS_FULL_URI":
			url = value
		case "AWS_CONTAINER_AUTHORIZATION_TOKEN":
			token = value
		}
	}
	return e, url, token
}

func lent(id string, life time.Duration) *Grant {
	now := time.Now()
	return &Grant{AccessKeyID: id, secret: hide("SECRET"), token: hide("TOKEN"), Role: "arn:role", Until: now.Add(life), Expires: now.Add(MinLife)}
}

func ask(t *testing.T, method, url, host string, tokens ...string) (int, map[string]string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	for _, token := range tokens {
		r.Header.Add("Authorization", token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body map[string]string
	if method == http.MethodHead {
		return response.StatusCode, nil
	}
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

func TestCredentialsAreDrawnOnlyUnderALease(t *testing.T) {
	e, url, token := endpointOf(t)
	if status, body := ask(t, "GET", url, "", token); status != http.StatusForbidden || body["AccessKeyId"] != "" {
		t.Fatalf("without a lease: %d %v", status, body)
	}
	end := e.Lease(lent("AKIA1", 10*time.Minute))
	asked := time.Now()
	status, body := ask(t, "GET", url, "", token)
	if status != http.StatusOK || body["AccessKeyId"] != "AKIA1" || body["SecretAccessKey"] != "SECRET" || body["Token"] != "TOKEN" {
		t.Fatalf("under the lease: %d %v", status, body)
	}
	expires, err := time.Parse(time.RFC3339, body["Expiration"])
	if err != nil || time.Until(expires) > reportedLife || expires.Before(asked.Add(reportedLife-time.Second)) {
		t.Errorf("Expiration %s: SDKs must ask again before each request", body["Expiration"])
	}
	if draws, refused := end(), e.TakeRefused(); draws != 1 || refused != 1 || e.TakeRefused() != 0 {
		t.Errorf("draws %d, refused %d", draws, refused)
	}
	if status, _ := ask(t, "GET", url, "", token); status != http.StatusForbidden {
		t.Errorf("after the lease: %d", status)
	}
}

func TestOverlappingLeasesEndWithTheLast(t *testing.T) {
	e, url, token := endpointOf(t)
	first := e.Lease(lent("AKIA1", time.Minute))
	second := e.Lease(lent("AKIA2", time.Minute))
	first()
	first() // ending twice ends once
	if status, body := ask(t, "GET", url, "", token); status != http.StatusOK || body["AccessKeyId"] != "AKIA2" {
		t.Errorf("while one lease is left: %d %v", status, body)
	}
	second()
	if status, _ := ask(t, "GET", url, "", token); status != http.StatusForbidden {
		t.Errorf("after both: %d", status)
	}
}

func TestAnEarlyRequestIsToldLate(t *testing.T) {
	e, url, token := endpointOf(t)
	ask(t, "GET", url, "", token)
	told := make(chan struct{}, 1)
	e.OnRefused(func() { told <- struct{}{} })
	select {
	case <-told:
	case <-time.After(time.Minute):
		t.Error("a request before OnRefused was set is never told")
	}
}

func TestTheReportedExpirationIsNeverPastTheRealOne(t *testing.T) {
	e, url, token := endpointOf(t)
	g := lent("AKIA1", reportedLife-10*time.Second)
	defer e.Lease(g)()
	_, body := ask(t, "GET", url, "", token)
	if expires, err := time.Parse(time.RFC3339, body["Expiration"]); err != nil || expires.After(g.Until) {
		t.Errorf("Expiration %s, real end at %s", body["Expiration"], g.Until)
	}
	e.Revoke()
	if status, _ := ask(t, "GET", url, "", token); status != http.StatusForbidden {
		t.Errorf("after Revoke: %d", status)
	}
}

func TestAnEndedGrantIsNotServed(t *testing.T) {
	e, url, token := endpointOf(t)
	defer e.Lease(lent("AKIA1", -time.Second))()
	if status, _ := ask(t, "GET", url, "", token); status != http.StatusForbidden {
		t.Errorf("status %d", status)
	}
}

func TestTheEndpointRefusesEverybodyElse(t *testing.T) {
	e, url, token := endpointOf(t)
	defer e.Lease(lent("AKIA1", time.Minute))()
	base := url[:strings.LastIndexByte(url, '/')]
	tests := []struct {
		name, method, url, host string
		tokens                  []string
		want                    int
	}{
		{"no token", "GET", url, "", nil, 401},
		{"a wrong token", "GET", url, "", []string{"x" + token[1:]}, 401},
		{"a token with a scheme", "GET", url, "", []string{"Bearer " + token}, 401},
		{"two tokens", "GET", url, "", []string{token, token}, 401},
		{"a wrong path", "GET", base + "/x", "", []string{token}, 401},
		{"no path", "GET", base + "/", "", []string{token}, 401},
		{"a query", "GET", url + "?x=1", "", []string{token}, 401},
		{"POST", "POST", url, "", []string{token}, 405},
		{"PUT", "PUT", url, "", []string{token}, 405},
		{"a rebound name (DNS rebinding)", "GET", url, "evil.example", []string{token}, 403},
		{"localhost by name", "GET", url, "localhost" + url[strings.LastIndexByte(url, ':'):strings.LastIndexByte(url, '/')], []string{token}, 403},
		{"HEAD", "HEAD", url, "", []string{token}, 405},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := ask(t, tt.method, tt.url, tt.host, tt.tokens...)
			if status != tt.want {
				t.Errorf("status %d, want %d", status, tt.want)
			}
			for _, v := range body {
				if strings.Contains(v, "SECRET") || strings.Contains(v, "AKIA") || strings.Contains(v, token) {
					t.Errorf("the refusal leaks: %v", body)
				}
			}
		})
	}
}
