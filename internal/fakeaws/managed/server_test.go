package managed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

const (
	hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	call  = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"fetch_service_events","arguments":{"cluster_name":"staging","service_name":"checkout"}}}`
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The server proves nothing about who signs unless it refuses whoever does not.
func TestOnlyWhatIsSignedAsItShouldBeIsAnswered(t *testing.T) {
	account := fakeaws.New(fakeaws.Config{})
	endpoint, err := account.Start()
	check(t, err)
	t.Cleanup(func() { account.Close() })
	user, err := account.AddUser("base", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	check(t, err)
	role, err := account.AddRole(fakeaws.Role{Name: "r", Identity: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}})
	check(t, err)
	base := credentials.NewStaticCredentialsProvider(user.ID, user.Secret, "")
	assume := func(actions string) aws.Credentials {
		out, err := sts.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: base}).AssumeRole(t.Context(),
			&sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("test"), Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}]}`)})
		check(t, err)
		return aws.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
	}
	use, both := assume(`"ecs-mcp:UseMcp"`), assume(`["ecs-mcp:UseMcp","ecs-mcp:InvokeReadOnlyTools"]`)
	other := both
	other.SecretAccessKey = strings.Repeat("x", 40)
	tokenless := both
	tokenless.SessionToken = ""
	server := httptest.NewServer(New(account))
	t.Cleanup(server.Close)

	sign := func(c aws.Credentials, service, region string, at time.Time) func(*http.Request, string) {
		return func(r *http.Request, body string) {
			sum := sha256.Sum256([]byte(body))
			check(t, v4.NewSigner().SignHTTP(t.Context(), c, r, hex.EncodeToString(sum[:]), service, region, at))
		}
	}
	now := time.Now()
	for _, tt := range []struct {
		name, body string
		sign       func(*http.Request, string)
		change     func(*http.Request)
		want       int
	}{
		{"signed as it should be", hello, sign(use, Service, "us-east-1", now), nil, 200},
		{"a call without the right to call", call, sign(use, Service, "us-east-1", now), nil, 403},
		{"not signed", hello, func(*http.Request, string) {}, nil, 403},
		{"another secret", hello, sign(other, Service, "us-east-1", now), nil, 403},
		{"without its session token", hello, sign(tokenless, Service, "us-east-1", now), nil, 403},
		{"another service", hello, sign(both, "ecs", "us-east-1", now), nil, 403},
		{"another region", hello, sign(both, Service, "eu-west-1", now), nil, 403},
		{"of an hour ago", hello, sign(both, Service, "us-east-1", now.Add(-time.Hour)), nil, 403},
		{"of in an hour", hello, sign(both, Service, "us-east-1", now.Add(time.Hour)), nil, 403},
		{"another body", hello, sign(both, Service, "us-east-1", now), func(r *http.Request) {
			changed := strings.Replace(hello, `"t"`, `"u"`, 1)
			r.Body, r.GetBody = io.NopCloser(strings.NewReader(changed)), nil
		}, 403},
		{"another path", hello, sign(both, Service, "us-east-1", now), func(r *http.Request) { r.URL.Path = "/other" }, 403},
		{"a header that is not signed", hello, sign(both, Service, "us-east-1", now), func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") }, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/mcp", bytes.NewReader([]byte(tt.body)))
			check(t, err)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json, text/event-stream")
			tt.sign(r, tt.body)
			if tt.change != nil {
				tt.change(r)
			}
			response, err := http.DefaultClient.Do(r)
			check(t, err)
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			check(t, err)
			if response.StatusCode != tt.want {
				t.Errorf("%s: %s", response.Status, body)
			}
		})
	}
}
