package mcp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// As botocore prints it, with AWS's words.
const (
	noSession = `An error occurred (AccessDeniedException) when calling the DeleteService operation: User: arn:aws:sts::123456789012:assumed-role/mcp/ecsmcp-abc is not authorized to perform: ecs:DeleteService on resource: arn:aws:ecs:us-east-1:123456789012:service/staging/checkout because no session policy allows the ecs:DeleteService action`
	expired   = `An error occurred (ExpiredTokenException) when calling the ListClusters operation: The security token included in the request is expired`
	noKeys    = `Error when retrieving credentials from container-role: Error retrieving metadata: Received non 200 response 403 from container metadata: {}`
)

var deleteRefused = audit.AWSRefusal{Code: "AccessDeniedException", Operation: "DeleteService", Action: "ecs:DeleteService",
	Resource: "arn:aws:ecs:us-east-1:123456789012:service/staging/checkout", Session: "ecsmcp-abc", Policy: "session policy"}

func TestAWSsRefusalsAreFoundWhereServersReportThem(t *testing.T) {
	inText := func(text string) string { return `{"content":[{"type":"text","text":` + strconv.Quote(text) + `}]}` }
	failed := func(text string) string { return strings.Replace(inText(text), `{`, `{"isError":true,`, 1) }
	tests := []struct {
		name, result, class string
		want                []audit.AWSRefusal
	}{
		{"the ECS server's failed operation", `{"structuredContent":{"error":"` + noSession + `","status":"failed"}}`, "aws-denied", []audit.AWSRefusal{deleteRefused}},
		{"the same as text and as data", `{"structuredContent":{"error":"` + noSession + `","status":"failed"},"content":[{"type":"text","text":` +
			strconv.Quote(`{"error":"`+noSession+`","status":"failed"}`) + `}]}`, "aws-denied", []audit.AWSRefusal{deleteRefused}},
		{"troubleshooting", inText(`{"status": "error", "error": "AWS API error: ` + noSession + `"}`), "aws-denied", []audit.AWSRefusal{deleteRefused}},
		{"one part of delete_app, and its list", inText(`{"service_deletion":{"status":"deleted","message":"ok"},"ecr_deletion":{"status":"failed","error":"` + noSession + `"},"errors":["` + noSession + `"]}`),
			"aws-denied", []audit.AWSRefusal{deleteRefused}},
		{"a part that went wrong in what is a success", inText(`{"status":"success","events_error":"` + noSession + `"}`), "aws-denied", []audit.AWSRefusal{deleteRefused}},
		{"what waits says", inText(`{"status":"failed","message":"Error: ` + noSession + `"}`), "aws-denied", []audit.AWSRefusal{deleteRefused}},
		{"a tool that raises", failed("Error calling tool 'build_and_push_image_to_ecr': " + noSession), "aws-denied", []audit.AWSRefusal{deleteRefused}},
		{"a server that answers in text", inText("Error executing tool: " + noSession), "aws-denied", []audit.AWSRefusal{deleteRefused}},
		{"two of them", inText(`{"errors":["` + noSession + `","An error occurred (UnauthorizedOperation) when calling the DescribeVpcs operation: You are not authorized to perform this operation."]}`),
			"aws-denied", []audit.AWSRefusal{deleteRefused, {Code: "UnauthorizedOperation", Operation: "DescribeVpcs"}}},
		{"an explicit deny", inText(`{"error":"` + strings.Replace(noSession, "because no session policy allows the ecs:DeleteService action", "with an explicit deny in a session policy", 1) + `"}`),
			"aws-denied", []audit.AWSRefusal{func() audit.AWSRefusal { r := deleteRefused; r.Explicit = true; return r }()}},
		{"the SDK for Go", failed("operation error ECS: ListClusters, https response error StatusCode: 400, RequestID: 1, api error AccessDeniedException: User: x is not authorized to perform: ecs:ListClusters on resource: * because no identity-based policy allows the ecs:ListClusters action"),
			"aws-denied", []audit.AWSRefusal{{Code: "AccessDeniedException", Operation: "ListClusters", Action: "ecs:ListClusters", Resource: "*", Policy: "identity-based policy"}}},
		{"the SDK for JavaScript", failed("AccessDeniedException: User: x is not authorized to perform: ecs:ListClusters with an explicit deny in a service control policy"),
			"aws-denied", []audit.AWSRefusal{{Code: "AccessDeniedException", Action: "ecs:ListClusters", Policy: "service control policy", Explicit: true}}},
		{"what the ECS server masks", inText(`{"status":"failed","error":"An error occurred (AccessDeniedException) when calling the DeleteStack operation: User: arn:aws:sts::[REDACTED AWS_ACCOUNT_ID]:assumed-role/mcp/ecsmcp-abc is not authorized"}`),
			"aws-denied", []audit.AWSRefusal{{Code: "AccessDeniedException", Operation: "DeleteStack", Session: "ecsmcp-abc"}}},
		{"expired keys", inText(`{"error":"` + expired + `","status":"failed"}`), "aws-credentials", []audit.AWSRefusal{{Code: "ExpiredTokenException", Operation: "ListClusters"}}},
		{"no keys", inText(`{"error":"` + noKeys + `","status":"failed"}`), "aws-credentials", []audit.AWSRefusal{{Code: "CredentialRetrievalError"}}},
		{"a log line", inText(`{"status":"success","log_entries":[{"timestamp":"t","severity":"ERROR","message":"` + noSession + `"}]}`), "answered", nil},
		{"a log as text", inText("2026-11-24 12:00 " + noSession), "answered", nil},
		{"an error and a log line in it", inText("Error summary:\n" + noSession), "answered", nil},
		{"why a task stopped", inText(`{"status":"success","tasks":[{"stoppedReason":"` + noSession + `"}]}`), "answered", nil},
		{"another error of AWS", inText(`{"error":"An error occurred (ClusterNotFoundException) when calling the ListTasks operation: Cluster not found.","status":"failed"}`), "answered", nil},
		{"another error of a tool", failed("An error occurred (ThrottlingException) when calling the ListTasks operation: Rate exceeded"), "tool-error", nil},
		{"an answer too long for a report", `{"structuredContent":{"error":"` + noSession + `","pad":"` + strings.Repeat("x", maxReport) + `"}}`, "answered", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			class, note, found := describe(message(t, `{"jsonrpc":"2.0","id":1,"result":`+tt.result+`}`))
			if class != tt.class || !reflect.DeepEqual(found, tt.want) {
				t.Errorf("%s (%s)\ngot  %+v\nwant %+v", class, note, found, tt.want)
			}
			if len(found) > 0 && !strings.Contains(note, found[0].String()) {
				t.Errorf("the note is %q", note)
			}
		})
	}
	class, _, found := describe(message(t, `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"`+noSession+`"}}`))
	if class != "aws-denied" || !slices.Equal(found, []audit.AWSRefusal{deleteRefused}) {
		t.Errorf("an error: %s, %+v", class, found)
	}
}

func message(t testing.TB, line string) *wire.Message {
	t.Helper()
	m, err := wire.ReadServer([]byte(line), wire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Whatever a server writes: what is kept of it is little, without anything that
// could be mistaken for more.
func FuzzDescribe(f *testing.F) {
	for _, text := range []string{noSession, expired, noKeys, "Unable to locate credentials", strings.Repeat(noSession+"\n", 20), `{"errors":["` + noSession + `",1e999,{"error":"` + noKeys + `"}]}`} {
		for _, result := range []string{`{"isError":true,"content":[{"type":"text","text":%s}]}`, `{"structuredContent":{"status":"error","message":%s}}`, `{"structuredContent":%s,"content":7}`} {
			f.Add([]byte(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"result":`+result+`}`, strconv.Quote(text))))
		}
		f.Add([]byte(`{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":` + strconv.Quote(text) + `}}`))
	}
	plain := regexp.MustCompile(`^[!-~]{0,400}$`)
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := wire.ReadServer(line, wire.Limits{})
		if err != nil || m.Kind != wire.Response {
			return
		}
		class, note, found := describe(m)
		if len(found) > maxRefusals || len(note) > maxRefusals*1000 || (len(found) > 0) != strings.HasPrefix(class, "aws-") {
			t.Fatalf("%s: %d refusals, %q", class, len(found), note)
		}
		for _, r := range found {
			if r.IsDenial() == r.IsAboutCredentials() {
				t.Fatalf("%+v is of no kind, or of two", r)
			}
			for _, s := range []string{r.Code, r.Operation, r.Action, r.Resource, r.Session, strings.ReplaceAll(r.Policy, " ", "-")} {
				if !plain.MatchString(s) {
					t.Fatalf("%q is kept", s)
				}
			}
		}
		if _, err := json.Marshal(found); err != nil {
			t.Fatal(err)
		}
	})
}

// The whole way: the server acts beyond the grant, AWS refuses, the server says
// so in a successful result, the client gets it as it is, the record explains.
func TestAWSsRefusalIsOnRecord(t *testing.T) {
	tb := converse(t, "reader", nil)
	tb.say(manage(1, "DescribeServices", readStaging))
	tb.get()
	_, err := tb.asServer().DeleteService(t.Context(), &ecs.DeleteServiceInput{Cluster: aws.String("staging"), Service: aws.String("checkout")})
	if err == nil {
		t.Fatal("AWS did not refuse")
	}
	answer := `{"jsonrpc":"2.0","id":1,"result":{ "structuredContent":{"error":` + strconv.Quote(err.Error()) + `,"status":"failed"}}}`
	tb.tell(answer)
	if got := tb.hear(); got != answer {
		t.Errorf("the client got %s", got)
	}
	records := tb.records(2)
	outcome := records[1]
	if outcome.Class != "aws-denied" || len(outcome.AWS) != 1 || outcome.AWS[0].Action != "ecs:DeleteService" || outcome.AWS[0].Policy != "session policy" || outcome.AWS[0].Session != records[0].Grant.SessionName {
		t.Errorf("outcome %+v", outcome)
	}
	var b strings.Builder
	check(t, audit.Show(&b, records))
	wants(t, b.String(), "aws        refused ecs:DeleteService on arn:aws:ecs:us-east-1:123456789012:service/staging/checkout: no session policy allows it",
		"not among the call's accesses", "next       if the tool needs it, add it to a catalogue")
}

func TestAnAnswerOverTheLimitIsWithheld(t *testing.T) {
	text := `"` + strings.Repeat("x", 20<<20) + `"`
	for name, answer := range map[string]string{
		"the id first": `{"jsonrpc":"2.0","id":1,"result":{"text":` + text + `}}`,
		"the id last":  `{"result":{"text":` + text + `},"jsonrpc":"2.0","id":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "reader", nil)
			tb.say(manage(1, "ListClusters", `{}`))
			tb.get()
			tb.tell(answer)
			got := tb.hear()
			wants(t, got, `"id":1`, `"isError":true`, "limits.message_bytes", "withheld", "was not repeated", "audit show")
			if strings.Contains(got, "unknown") {
				t.Errorf("the outcome is known: %s", got)
			}
			if r := tb.records(2)[1]; r.Class != "withheld" || !strings.Contains(r.Message, "limits.message_bytes") {
				t.Errorf("outcome %+v", r)
			}
			if _, err := tb.draw(); err == nil {
				t.Error("the lease outlives the answer")
			}
			tb.say(manage(2, "ListClusters", `{}`))
			tb.get()
			tb.tell(`{"jsonrpc":"2.0","id":2,"result":{}}`)
			wants(t, tb.hear(), `"id":2,"result":{}`)
		})
	}
	t.Run("to what was only relayed", func(t *testing.T) {
		tb := converse(t, "reader", nil)
		tb.say(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
		tb.get()
		tb.tell(`{"result":{"text":` + text + `},"jsonrpc":"2.0","id":1}`)
		wants(t, tb.hear(), `"id":1`, "-32603", "withheld")
	})
}
