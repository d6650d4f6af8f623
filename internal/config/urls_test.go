package config

import (
	"strings"
	"testing"
)

func TestServersAtURLs(t *testing.T) {
	at := func(upstream, delivery string) string {
		return strings.Replace(`version: 1
aws: {region: us-east-1}
upstream: UPSTREAM
credentials: {delivery: `+delivery+`}
personas: {p: {identity: [managed-server], boundary: [region-and-production], role: "arn:aws:iam::123456789012:role/r"}}
principals: [{match: {kind: os-user}, persona: p}]
`, "UPSTREAM", upstream, 1)
	}
	const managed = `{server: aws.ecs-mcp, urls: [{url: "https://ecs-mcp.us-east-1.api.aws/mcp"}]}`
	for name, tt := range map[string]struct {
		yaml string
		want string // empty: it is taken
	}{
		"the managed server":         {at(managed, "sigv4"), ""},
		"an emulator of it":          {at(`{urls: [{url: "http://127.0.0.1:8000/mcp"}]}`, "sigv4"), ""},
		"over plain http":            {at(`{urls: [{url: "http://ecs-mcp.us-east-1.api.aws/mcp"}]}`, "sigv4"), "line 3: upstream.urls[0].url: plain http goes to loopback only; use https"},
		"of another region":          {at(`{urls: [{url: "https://ecs-mcp.eu-west-1.api.aws/mcp"}]}`, "sigv4"), "line 3: upstream.urls[0].url is of region eu-west-1, and calls are judged for aws.region us-east-1; name the same"},
		"two of them":                {at(`{urls: [{url: "https://a.example/mcp"}, {url: "https://b.example/mcp"}]}`, "sigv4"), "line 3: credentials.delivery: sigv4 needs one URL; calls have connections of their own to it: upstream: {server: aws.ecs-mcp"},
		"none":                       {at(`{server: aws.ecs-mcp}`, "sigv4"), "line 3: credentials.delivery: sigv4 needs one URL"},
		"a command":                  {at(`{command: [uvx, mcp-proxy-for-aws]}`, "sigv4"), "line 4: credentials.delivery: sigv4 signs requests to a URL, and a command signs for itself: use process with a command, or name the server's URL"},
		"with an endpoint":           {at(`{urls: [{url: "https://ecs-mcp.us-east-1.api.aws/mcp", credentials: {listen: "127.0.0.1:9911"}}]}`, "sigv4"), "line 3: upstream.urls[0].credentials: with delivery sigv4 the server draws none; leave it out"},
		"elsewhere with a lease":     {at(`{urls: [{url: "https://a.example/mcp"}]}`, "lease"), "upstream.urls[0].url is not on loopback, so delivery lease cannot reach it"},
		"with a process":             {at(`{urls: [{url: "http://127.0.0.1:8000/mcp"}]}`, "process"), "line 4: credentials.delivery: process needs a command"},
		"with a user in the address": {at(`{urls: [{url: "https://u:p@a.example/mcp"}]}`, "sigv4"), "must be an http or https URL without user information"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tt.yaml))
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
