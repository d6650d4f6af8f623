package main

import (
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

// asked notes where a request would have gone.
type asked struct{ host string }

func (a *asked) Do(r *http.Request) (*http.Response, error) {
	a.host = r.URL.Scheme + "://" + r.URL.Host
	return nil, errors.New("not sent")
}

// Tokens of a regional endpoint are good everywhere, those of the global one
// not; and no setting of the environment moves the proxy's requests elsewhere.
func TestSTSIsAskedAtItsRegionsEndpoint(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE12")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
	t.Setenv("AWS_ENDPOINT_URL", "http://elsewhere.test")
	t.Setenv("AWS_ENDPOINT_URL_STS", "http://elsewhere.test")
	for _, tt := range []struct{ region, endpoint, want string }{
		{"us-east-1", "", "https://sts.us-east-1.amazonaws.com"},
		{"eu-west-1", "", "https://sts.eu-west-1.amazonaws.com"},
		{"us-gov-west-1", "", "https://sts.us-gov-west-1.amazonaws.com"},
		{"cn-north-1", "", "https://sts.cn-north-1.amazonaws.com.cn"},
		{"us-east-1", "http://127.0.0.1:5000", "http://127.0.0.1:5000"},
	} {
		t.Run(tt.region+tt.endpoint, func(t *testing.T) {
			cfg := &config.Config{AWS: config.AWS{Region: tt.region, Endpoint: tt.endpoint}}
			cfg.Complete()
			c, err := dial(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			var to asked
			if _, err := c.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}, func(o *sts.Options) {
				if client, ok := o.HTTPClient.(*awshttp.BuildableClient); !ok || client.GetTimeout() != stsTimeout {
					t.Errorf("a request to STS is not bounded: %T", o.HTTPClient)
				}
				o.HTTPClient, o.Retryer = &to, aws.NopRetryer{}
			}); err == nil {
				t.Error("answered")
			}
			if to.host != tt.want {
				t.Errorf("asked %s, want %s", to.host, tt.want)
			}
		})
	}
}

// Account and partition of a call are the role's, wherever the proxy's own
// credentials are from.
func TestAccountAndPartitionAreTheRoles(t *testing.T) {
	t.Parallel()
	for region, partition := range map[string]string{"us-east-1": "aws", "us-gov-west-1": "aws-us-gov", "cn-north-1": "aws-cn"} {
		role := "arn:" + partition + ":iam::210987654321:role/mcp"
		cfg := &config.Config{Version: 1, AWS: config.AWS{Region: region},
			Personas:   map[string]config.Persona{"p": {Identity: []string{"read-only-monitoring"}, Role: role, ExternalID: "ticket-7"}},
			Principals: []config.Principal{{Match: config.Match{Kind: "os-user"}, Persona: "p"}}}
		cfg.Complete()
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		caller, err := identify(cfg)
		if err != nil || caller.Env.Partition != partition || caller.Env.Account != "210987654321" || caller.Env.Region != region || caller.Terms.ExternalID != "ticket-7" {
			t.Errorf("%s: %+v, %v", region, caller, err)
		}
	}
}
