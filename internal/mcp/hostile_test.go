package mcp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// A service that is created with tags is not a licence to tag one that exists:
// else a production service could be tagged as staging, and then deleted.
func TestCreatingWithTagsDoesNotLendTagging(t *testing.T) {
	tb := converse(t, "deployer", nil)
	tb.say(manage(1, "CreateService", `{"cluster":"production","serviceName":"checkout","taskDefinition":"checkout","tags":[{"key":"Environment","value":"staging"}]}`))
	tb.get()
	client := tb.asServer()
	_, err := client.TagResource(t.Context(), &ecs.TagResourceInput{ResourceArn: aws.String("arn:aws:ecs:us-east-1:123456789012:service/production/checkout"),
		Tags: []types.Tag{{Key: aws.String("Environment"), Value: aws.String("staging")}}})
	if err == nil || !strings.Contains(err.Error(), "no session policy allows the ecs:TagResource action") {
		t.Errorf("err = %v", err)
	}
}

// asServer is an ECS client with the credentials that the server can draw.
func (tb *table) asServer() *ecs.Client {
	tb.t.Helper()
	c, err := tb.draw()
	check(tb.t, err)
	return ecs.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &tb.url,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyId, c.SecretAccessKey, c.Token)})
}

func TestAHiddenToolIsAsUnknownAsNoTool(t *testing.T) {
	tb := converse(t, "reader", nil)
	var texts []string
	for i, call := range []string{`"delete_app","arguments":{"service_arn":"x","app_name":"y"}`, `"delete_app","arguments":{"odd":1}`, `"no_such_tool","arguments":{}`} {
		tb.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":%s}}`, call))
		text := tb.hear()
		texts = append(texts, strings.ReplaceAll(text, tb.records(i + 1)[i].DecisionID, "ID"))
	}
	wants(t, texts[0], "-32602", "Unknown tool")
	if texts[0] != texts[2] || texts[1] != texts[2] {
		t.Errorf("hidden and unknown differ:\n%s", strings.Join(texts, "\n"))
	}
}

// minter fails in its own way once, then works.
type minter struct {
	Minter
	failed atomic.Bool
	how    func() error
}

func (m *minter) Mint(ctx context.Context, o grant.Order) (*grant.Grant, error) {
	if m.failed.CompareAndSwap(false, true) {
		return nil, m.how()
	}
	return m.Minter.Mint(ctx, o)
}

func TestAFailureAfterTheTurnWasGivenGivesItBack(t *testing.T) {
	for name, how := range map[string]func() error{
		"an error": func() error { return errors.New("broken") },
		"a panic":  func() error { panic("broken") },
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "deployer", func(g *Gate) { g.Grants = &minter{Minter: g.Grants, how: how} })
			tb.say(manage(1, "UpdateService", updateStaging))
			wants(t, tb.hear(), `"id":1`, "could not be judged")
			tb.say(manage(2, "UpdateService", updateStaging))
			wants(t, tb.get(), `"id":2`)
		})
	}
}

func TestACancelledCallWithoutCredentialsEndsItsTurn(t *testing.T) {
	tb := converseOn(t, hasty, "reader", nil)
	tb.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"containerize_app","arguments":{"app_path":"/srv","port":80}}}`)
	tb.get()
	tb.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	tb.get() // and a server that keeps to MCP does not answer it
	tb.say(manage(2, "ListClusters", `{}`))
	wants(t, tb.get(), `"id":2`)
	select {
	case <-tb.killed:
		t.Error("the server was killed for keeping to the protocol")
	case <-time.After(400 * time.Millisecond):
	}
}

func TestAClientThatPausesDoesNotHoldTheServersAnswers(t *testing.T) {
	tb := converse(t, "deployer", nil)
	tb.say(manage(1, "UpdateService", updateStaging))
	tb.get()
	for range 100 { // nobody reads these yet
		tb.tell(`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"` + strings.Repeat("x", 1000) + `"}}`)
	}
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{}}`)
	wants(t, fmt.Sprint(classes(tb.records(2))), "outcome/answered")
	for range 100 {
		wants(t, tb.hear(), "notifications/message")
	}
	wants(t, tb.hear(), `"id":1,"result":{}`)
}

func TestCredentialsAskedForOutsideACallAreOnRecord(t *testing.T) {
	tb := converse(t, "reader", nil)
	for range 3 {
		if _, err := tb.draw(); err == nil {
			t.Fatal("credentials without a call")
		}
	}
	tb.say(manage(1, "ListClusters", `{}`))
	tb.get()
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{}}`)
	tb.hear()
	if r := tb.records(2)[1]; r.DrawsRefused != 3 {
		t.Errorf("%d refused draws on record, want 3", r.DrawsRefused)
	}
}

func TestALongNameIsNotRepeatedWhole(t *testing.T) {
	tb := converse(t, "reader", nil)
	name := strings.Repeat("é", 1<<20)
	for i, line := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"` + name + `"}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + name + `","arguments":{}}}`,
	} {
		tb.say(line)
		if answer := tb.hear(); len(answer) > 2000 {
			t.Errorf("an answer of %d bytes", len(answer))
		}
		if r := tb.records(i + 1)[i]; len(r.Input.Method)+len(r.Input.Tool)+len(r.Message) > 2000 {
			t.Errorf("a record of %d bytes", len(r.Input.Method)+len(r.Input.Tool)+len(r.Message))
		}
	}
}

func TestOneMessageCannotCostTooMuch(t *testing.T) {
	tb := converse(t, "deployer", nil)
	tests := []struct{ name, line, want string }{
		{"arguments longer than any AWS request", manage(1, "CreateService", `{"cluster":"`+strings.Repeat("x", 1<<20)+`"}`), "longer than 1048576 bytes"},
		{"more resources than a policy could hold", manage(1, "CreateService", `{"serviceName":"x","loadBalancers":[`+
			strings.TrimSuffix(strings.Repeat(`{"advancedConfiguration":{"roleArn":"arn:aws:iam::123456789012:role/r"}},`, 5000), ",")+`]}`), "at most 100"},
	}
	said := 0
	for _, tt := range tests {
		took := time.Hour
		for try := 0; took > 2*time.Second && try < 5; try++ { // once may be when the machine stands still
			since := time.Now()
			tb.say(tt.line)
			wants(t, tb.hear(), tt.want)
			said++
			tb.records(said)
			took = min(took, time.Since(since))
		}
		if took > 2*time.Second {
			t.Errorf("%s took %s", tt.name, took)
		}
	}
}
