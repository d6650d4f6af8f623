package facts

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// wire is the way to AWS.
type wire func(*http.Request) (*http.Response, error)

func (w wire) Do(r *http.Request) (*http.Response, error) { return w(r) }

func (w wire) reader(ttl time.Duration) *Reader {
	config := aws.Config{Region: "us-east-1", HTTPClient: w, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
	return New(Clients{ecs.NewFromConfig(config), cloudformation.NewFromConfig(config), ecr.NewFromConfig(config), cloudwatchlogs.NewFromConfig(config)}, ttl)
}

func answering(status int, body string) wire {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

// An AWS that does not answer, or not as it should, leaves everything unknown, in
// the time that all look-ups of a call have together; and it is asked again.
func TestNoFaultOfAWSIsAnAnswer(t *testing.T) {
	definition := arn + "task-definition/web:7"
	answer := func(more string) wire {
		return answering(200, `{"taskDefinition":{"taskDefinitionArn":`+more+`},"tags":[]}`)
	}
	tests := []struct {
		name string
		aws  wire
		time time.Duration // that it takes; 0: less than all there is
	}{
		{"it hangs", func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }, maxTime},
		{"it is slow to answer in full", func(r *http.Request) (*http.Response, error) {
			body, w := io.Pipe()
			go func() { <-r.Context().Done(); w.CloseWithError(r.Context().Err()) }()
			return &http.Response{StatusCode: 200, Body: body, Request: r}, nil
		}, maxTime},
		{"it cannot be reached", func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }, 0},
		{"it fails", answering(500, `{"__type":"ServerException"}`), 0},
		{"it throttles", answering(400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`), 0},
		{"it redirects", answering(302, ""), 0},
		{"it answers nothing", answering(200, ""), 0},
		{"it answers no object", answering(200, "[]"), 0},
		{"it answers half", answering(200, `{"taskDefinition":{"taskDefinitionArn":"`+definition), 0},
		{"it answers another revision", answer(`"` + arn + `task-definition/web:8"`), 0},
		{"it answers another family", answer(`"` + arn + `task-definition/other:7"`), 0},
		{"it answers another account", answer(`"` + strings.Replace(definition, "123456789012", "999999999999", 1) + `"`), 0},
		{"it answers another region", answer(`"` + strings.Replace(definition, "us-east-1", "eu-west-1", 1) + `"`), 0},
		{"it answers without an ARN", answering(200, `{"taskDefinition":{},"tags":[{"key":"Environment","value":"staging"}]}`), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				r := wire(func(r *http.Request) (*http.Response, error) { asked++; return tt.aws(r) }).reader(time.Minute)
				given := []authz.Access{access(definition), access(arn + "cluster/shop"), passes(definition, authz.TaskRole, authz.ExecutionRole)}
				start := time.Now()
				filled, notes := r.Fill(t.Context(), given)
				if took := time.Since(start); took > maxTime || tt.time > 0 && took != tt.time {
					t.Errorf("took %v", took)
				}
				if len(filled) != len(given) || !slices.EqualFunc(filled, given, func(a, b authz.Access) bool {
					return a.Resource == b.Resource && slices.Equal(a.Unknown, b.Unknown) && a.Optional == b.Optional && len(a.Context) == len(b.Context)
				}) {
					t.Errorf("something is known: %+v", filled)
				}
				if len(notes) != 2 || strings.Contains(strings.Join(notes, ""), "AKIDEXAMPLE") {
					t.Errorf("notes %q", notes)
				}
				before := asked
				r.Fill(t.Context(), given)
				if asked == before {
					t.Error("a failure was kept")
				}
			})
		})
	}
}

// An answer about a family is about the latest revision of that family only.
func TestOnlyARevisionOfTheFamilyIsItsLatest(t *testing.T) {
	for answered, want := range map[string]bool{"web:7": true, "web:0": false, "web:07": false, "web:x": false, "web:": false, "web": false, "web:*": false,
		"web:7:8": false, "web2:7": false, "we:7": false} {
		r := answering(200, `{"taskDefinition":{"taskDefinitionArn":"`+arn+`task-definition/`+answered+`"},"tags":[]}`).reader(0)
		filled, _ := r.Fill(t.Context(), []authz.Access{family(arn + "task-definition/web:*")})
		if settled := !filled[0].Unsettled(); settled != want || settled && filled[0].Resource != arn+"task-definition/"+answered {
			t.Errorf("%s: %+v", answered, filled[0])
		}
	}
}

// What AWS says beside what was asked is not kept for later.
func TestOnlyWhatWasAskedIsKept(t *testing.T) {
	asked := 0
	r := wire(func(r *http.Request) (*http.Response, error) {
		asked++
		return answering(200, `{"clusters":[{"clusterArn":"`+arn+`cluster/a","tags":[]},{"clusterArn":"`+arn+`cluster/b","tags":[]}]}`)(r)
	}).reader(time.Minute)
	for i, name := range []string{"a", "b", "a", "b"} {
		r.Fill(t.Context(), []authz.Access{access(arn + "cluster/" + name)})
		if want := min(i+1, 2); asked != want {
			t.Errorf("%d requests after %s, want %d", asked, name, want)
		}
	}
}
