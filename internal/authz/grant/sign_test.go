package grant

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAGrantSignsUntilItEndsAndAtAWSsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Grant{AccessKeyID: "ASIAEXAMPLE", secret: hide("sesame"), token: hide("open"), Skew: 10 * time.Minute,
			Until: time.Now().Add(time.Minute), Expires: time.Now().Add(time.Hour)}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://ecs-mcp.us-east-1.api.aws/mcp", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Sign(t.Context(), r, []byte("{}"), "ecs-mcp", "us-east-1"); err != nil {
			t.Fatal(err)
		}
		want := time.Now().Add(10 * time.Minute).UTC().Format("20060102T150405Z")
		if got := r.Header.Get("X-Amz-Date"); got != want {
			t.Errorf("signed at %s, want %s", got, want)
		}
		for _, part := range []string{"Credential=ASIAEXAMPLE/", "/us-east-1/ecs-mcp/aws4_request", "SignedHeaders=", "host", "x-amz-security-token"} {
			if !strings.Contains(r.Header.Get("Authorization"), part) {
				t.Errorf("%s lacks %s", r.Header.Get("Authorization"), part)
			}
		}
		if r.Header.Get("X-Amz-Security-Token") != "open" || strings.Contains(r.Header.Get("Authorization"), "sesame") {
			t.Error("the token is not sent, or the secret is")
		}
		time.Sleep(time.Minute)
		if err := g.Sign(t.Context(), r, nil, "ecs-mcp", "us-east-1"); !errors.Is(err, ErrEnded) {
			t.Errorf("after its end: %v", err)
		}
		g.Until, g.Expires = time.Now().Add(time.Minute), time.Now()
		if err := g.Sign(t.Context(), r, nil, "ecs-mcp", "us-east-1"); !errors.Is(err, ErrEnded) {
			t.Errorf("after its keys' end: %v", err)
		}
	})
}
