package mcp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
)

var threeLanes = lane.Config{Lanes: 3, Delivery: grant.DeliverLease, Grace: time.Hour}

const (
	initialize  = `{"jsonrpc":"2.0", "id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"x-odd":{}},"clientInfo":{"name":"t","version":"1"}}}`
	initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`
	setLevel    = `{"jsonrpc":"2.0","id":"level","method":"logging/setLevel","params":{"level":"debug"}}`
	welcome     = `{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"%d"}}}`
)

// hello initializes the session.
func (tb *table) hello() {
	tb.t.Helper()
	tb.say(initialize)
	tb.get()
	tb.tell(fmt.Sprintf(welcome, "0", 0))
	tb.hear()
	tb.say(initialized)
	tb.get()
	tb.say(setLevel)
	tb.get()
	tb.tell(`{"jsonrpc":"2.0","id":"level","result":{}}`)
	tb.hear()
}

// greeted answers the greeting that is repeated to a further server.
func (tb *table) greeted(server *played) {
	tb.t.Helper()
	if got := tb.read(server.serverIn); got != initialize {
		tb.t.Errorf("the further server got %s", got)
	}
	tb.write(server.serverOut, `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
	tb.write(server.serverOut, fmt.Sprintf(welcome, "0", server.lane))
	if got := tb.read(server.serverIn); got != initialized {
		tb.t.Errorf("the further server got %s", got)
	}
	if got := tb.read(server.serverIn); got != setLevel {
		tb.t.Errorf("the further server got %s", got)
	}
	tb.write(server.serverOut, `{"jsonrpc":"2.0","id":"level","result":{}}`)
}

func TestAnotherScopeGetsAServerOfItsOwn(t *testing.T) {
	tb := converseOn(t, threeLanes, "deployer", nil)
	tb.hello()
	tb.say(manage(1, "UpdateService", updateStaging))
	wants(t, tb.get(), `"id":1`)
	tb.say(manage(2, "ListClusters", `{}`))
	second := tb.another()
	tb.greeted(second)
	wants(t, tb.read(second.serverIn), `"id":2`)

	first, err := tb.draw()
	check(t, err)
	other, err := tb.drawAs(second)
	check(t, err)
	records := tb.records(2)
	if first.AccessKeyId != records[0].Grant.AccessKeyID || other.AccessKeyId != records[1].Grant.AccessKeyID || first.AccessKeyId == other.AccessKeyId {
		t.Errorf("drew %s and %s", first.AccessKeyId, other.AccessKeyId)
	}

	tb.write(second.serverOut, `{"jsonrpc":"2.0","id":1,"result":{"answer":"to another server's call"}}`)
	tb.write(second.serverOut, `{"jsonrpc":"2.0","id":2,"result":{"answer":"own"}}`)
	wants(t, tb.hear(), `"answer":"own"`) // and the other answer was dropped
	if _, err := tb.drawAs(second); err == nil {
		t.Error("credentials can be drawn after the answer")
	}
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{}}`)
	wants(t, tb.hear(), `"id":1`)
}

func TestIdsOfFurtherServersAreToldApart(t *testing.T) {
	tb := converseOn(t, threeLanes, "deployer", nil)
	tb.hello()
	tb.say(manage(1, "UpdateService", updateStaging))
	tb.get()
	tb.say(manage(2, "UpdateService", updateStaging))
	second := tb.another()
	tb.greeted(second)
	tb.read(second.serverIn)

	ask := `{"jsonrpc":"2.0", "id":7,"method":"elicitation/create","params":{"_meta":{"progressToken":"p"},"message":"?"}}`
	tb.tell(ask)
	if got := tb.hear(); got != ask {
		t.Errorf("of lane 0 the client got %s", got)
	}
	tb.write(second.serverOut, ask)
	if got, want := tb.hear(), `{"jsonrpc":"2.0", "id":"1:7","method":"elicitation/create","params":{"_meta":{"progressToken":"1:\"p\""},"message":"?"}}`; got != want {
		t.Errorf("of lane 1 the client got %s", got)
	}
	tb.say(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"1:\"p\"","progress":1}}`)
	if got, want := tb.read(second.serverIn), `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}`; got != want {
		t.Errorf("the server got %s", got)
	}
	tb.say(`{"jsonrpc":"2.0","id":"1:7","result":{"action":"accept"}}`)
	if got, want := tb.read(second.serverIn), `{"jsonrpc":"2.0","id":7,"result":{"action":"accept"}}`; got != want {
		t.Errorf("the server got %s", got)
	}
	answer := `{"jsonrpc":"2.0","id":7,"result":{"action":"decline"}}`
	tb.say(answer)
	if got := tb.get(); got != answer {
		t.Errorf("lane 0 got %s", got)
	}
	tb.write(second.serverOut, strings.Replace(ask, "7", "8", 1))
	tb.hear()
	tb.write(second.serverOut, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":8}}`)
	wants(t, tb.hear(), `"requestId":"1:8"`)
	// What the second server reports of the client's own call keeps the client's token.
	progress := `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":2,"progress":1}}`
	tb.write(second.serverOut, progress)
	if got := tb.hear(); got != progress {
		t.Errorf("the client got %s", got)
	}
}

func TestAServerThatCrashesFailsItsCallOnceAndIsStartedAgain(t *testing.T) {
	tb := converseOn(t, threeLanes, "deployer", nil)
	tb.hello()
	tb.say(manage(1, "UpdateService", updateStaging))
	tb.get()
	tb.say(manage(2, "UpdateService", updateStaging))
	second := tb.another()
	tb.greeted(second)
	tb.read(second.serverIn)

	second.crashed()
	wants(t, tb.hear(), `"id":2`, "outcome is unknown")
	tb.say(`{"jsonrpc":"2.0","id":3,"method":"ping"}`)
	wants(t, tb.get(), `"id":3`) // others do not notice
	tb.say(manage(4, "ListClusters", `{}`))
	third := tb.another()
	tb.greeted(third)
	wants(t, tb.read(third.serverIn), `"id":4`) // and not the write again

	// The first one likewise.
	tb.crashed()
	wants(t, tb.hear()+tb.hear(), `"id":1`, `"id":3`, "outcome is unknown")
	again := tb.another()
	tb.say(`{"jsonrpc":"2.0","id":5,"method":"ping"}`)
	tb.greeted(again)
	wants(t, tb.read(again.serverIn), `"id":5`)
	wants(t, fmt.Sprint(classes(tb.records(6))), "outcome/upstream outcome/upstream", "event/upstream")
}

func TestAServerThatEndsByItselfEndsTheSession(t *testing.T) {
	tb := converseOn(t, threeLanes, "deployer", nil)
	tb.hello()
	tb.serverOut.Close()
	<-tb.conversing
}

func TestALaneWhoseCallWasCancelledIsNotLentToAnother(t *testing.T) {
	tb := converseOn(t, lane.Config{Lanes: 2, Delivery: grant.DeliverLease, Grace: time.Hour}, "deployer", nil)
	tb.hello()
	tb.say(manage(1, "UpdateService", updateStaging))
	tb.get()
	tb.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	tb.get()
	tb.say(manage(2, "UpdateService", updateStaging))
	second := tb.another()
	tb.greeted(second)
	tb.read(second.serverIn)
	tb.say(manage(3, "UpdateService", updateStaging)) // waits: both are taken
	if keys, err := tb.draw(); err == nil {
		t.Errorf("the server that ignores the cancel draws %s", keys.AccessKeyId)
	}
	tb.tell(`{"jsonrpc":"2.0","id":1,"error":{"code":0,"message":"cancelled"}}`)
	tb.hear()
	wants(t, tb.get(), `"id":3`)
}

func TestOnlyTheCallsOwnTrafficReachesAServerDuringALease(t *testing.T) {
	tb := converse(t, "deployer", nil)
	tb.hello()
	tb.say(manage(1, "UpdateService", updateStaging))
	tb.get()
	for i, method := range []string{"tools/list", "prompts/list", "resources/list", "resources/templates/list", "completion/complete", "subscriptions/listen"} {
		tb.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":"r%d","method":%q}`, i, method))
	}
	tb.say(`{"jsonrpc":"2.0","id":2,"method":"ping"}`)
	wants(t, tb.get(), `"id":2`)
	time.Sleep(100 * time.Millisecond)
	tb.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"r1"}}`) // settled here
	tb.say(`{"jsonrpc":"2.0","id":3,"method":"ping"}`)
	wants(t, tb.get(), `"id":3`)
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{}}`)
	wants(t, tb.hear(), `"id":1`)
	var got string
	for range 5 {
		got += tb.get()
	}
	wants(t, got, `"r0"`, `"r2"`, `"r3"`, `"r4"`, `"r5"`)
	if strings.Contains(got, `"r1"`) {
		t.Error("a request that was cancelled while it waited was sent")
	}
}

func TestALongWaitBlocksNobody(t *testing.T) {
	tb := converseOn(t, threeLanes, "reader", nil)
	tb.hello()
	tb.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wait_for_service_ready","arguments":{"cluster":"staging","service_name":"checkout"}}}`)
	second := tb.another()
	tb.greeted(second)
	wants(t, tb.read(second.serverIn), "wait_for_service_ready")
	tb.say(manage(2, "ListClusters", `{}`))
	wants(t, tb.get(), `"id":2`)
	tb.say(`{"jsonrpc":"2.0","id":3,"method":"prompts/list"}`)
	tb.tell(`{"jsonrpc":"2.0","id":2,"result":{}}`)
	tb.hear()
	wants(t, tb.get(), `"id":3`)
}

func TestACallThatWaitsSaysSo(t *testing.T) {
	tb := converse(t, "deployer", nil)
	tb.say(manage(1, "UpdateService", updateStaging))
	tb.get()
	tb.say(strings.Replace(manage(2, "ListClusters", `{}`), `"params":{`, `"params":{"_meta":{"progressToken":9007199254740993},`, 1))
	wants(t, tb.hear(), "notifications/progress", `"progressToken":9007199254740993`, "waiting for a free ECS MCP server")
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{}}`)
	for line := tb.hear(); !strings.Contains(line, `"id":1`); line = tb.hear() {
		wants(t, line, "notifications/progress")
	}
	wants(t, tb.get(), `"id":2`)
}

func TestAFurtherServerThatSpeaksAnotherVersionIsNotUsed(t *testing.T) {
	tb := converseOn(t, threeLanes, "deployer", nil)
	tb.hello()
	tb.say(manage(1, "UpdateService", updateStaging))
	tb.get()
	tb.say(manage(2, "ListClusters", `{}`))
	second := tb.another()
	tb.read(second.serverIn)
	tb.write(second.serverOut, `{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2024-11-05"}}`)
	wants(t, tb.hear(), `"id":2`, "could not be started")
	<-second.ended
}

func TestAServerThatIsSlowToStartHoldsUpItsOwnCallAlone(t *testing.T) {
	hurried(t, func(timeout time.Duration) (tooSoon bool) {
		tb := converseOn(t, threeLanes, "deployer", nil)
		tb.hello()
		tb.say(manage(1, "UpdateService", updateStaging))
		tb.get()
		ample := tb.gate.Timeout
		tb.gate.Timeout = timeout
		tb.say(manage(2, "ListClusters", `{}`)) // of whose server nobody answers initialize
		tb.tell(`{"jsonrpc":"2.0","id":1,"result":{}}`)
		first, second := tb.hear(), tb.hear()
		if len(tb.started) == 0 || strings.Contains(first, `"id":2`) {
			return true
		}
		wants(t, first, `"id":1`)
		wants(t, second, `"id":2`, "no ECS MCP server was free and ready before its time was over")
		wants(t, tb.read(tb.another().serverIn), "initialize")
		if r := tb.records(3)[2]; r.Class != classTimeout || r.Grant != nil {
			t.Errorf("record %+v", r)
		}
		tb.gate.Timeout = ample
		tb.say(manage(3, "UpdateService", updateStaging))
		wants(t, tb.get(), `"id":3`)
		return false
	})
}

func TestUnderProcessTheGrantIsInTheEnvironmentOfItsCallAlone(t *testing.T) {
	lanes := threeLanes
	lanes.Delivery = grant.DeliverProcess
	tb := converseOn(t, lanes, "deployer", nil)
	tb.hello()
	for id := 1; id <= 2; id++ {
		tb.say(manage(id, "UpdateService", updateStaging))
		server := tb.another()
		tb.greeted(server)
		wants(t, tb.read(server.serverIn), fmt.Sprintf(`"id":%d`, id))
		record := tb.records(2*id - 1)[2*id-2]
		wants(t, strings.Join(server.environ, "\n"), "AWS_ACCESS_KEY_ID="+record.Grant.AccessKeyID)
		tb.write(server.serverOut, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{}}`, id))
		tb.hear()
		<-server.ended
	}
	if len(tb.environ) != 0 {
		t.Errorf("the first server has %q", tb.environ)
	}
	tb.say(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"containerize_app","arguments":{"app_path":"/srv","port":80}}}`)
	wants(t, tb.get(), "containerize_app") // uses no AWS
}

func TestUnderNoneNothingIsLentAndPolicyStillDecides(t *testing.T) {
	tb := converseOn(t, lane.Config{Lanes: 2, Delivery: grant.DeliverNone}, "deployer", nil)
	tb.say(manage(1, "DeleteService", deleteProd))
	wants(t, tb.hear(), `"isError":true`, "ProductionProtection")
	tb.say(manage(2, "UpdateService", updateStaging))
	tb.get()
	tb.say(manage(3, "ListClusters", `{}`))
	wants(t, tb.get(), `"id":3`)
	for _, r := range tb.records(3) {
		if r.Grant != nil {
			t.Errorf("record %+v", r)
		}
		if r.Phase == audit.PhaseDecision && r.Result == nil {
			t.Errorf("record %+v", r)
		}
	}
	if len(tb.aws.Sessions()) != 0 || len(tb.environ) != 0 {
		t.Error("credentials were lent")
	}
}

func TestAToolThatLeavesCredentialsBehindIsRefusedUnderLease(t *testing.T) {
	build := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"build_and_push_image_to_ecr","arguments":{"app_name":"web","app_path":"/srv"}}}`
	tb := converse(t, "own", ownPolicy(t, allowAll, "", ""))
	tb.say(build)
	wants(t, tb.hear(), `"isError":true`, "credentials.delivery: process")
	tb.reachedNothing()
	if r := tb.records(1)[0]; r.Class != classCredentials || len(tb.aws.Sessions()) != 0 {
		t.Errorf("record %+v", r)
	}

	lanes := threeLanes
	lanes.Delivery = grant.DeliverProcess
	tb = converseOn(t, lanes, "own", ownPolicy(t, allowAll, "", ""))
	tb.hello()
	tb.say(build)
	server := tb.another()
	tb.greeted(server)
	wants(t, tb.read(server.serverIn), "build_and_push_image_to_ecr")
	wants(t, strings.Join(server.environ, "\n"), "AWS_SESSION_TOKEN=")
}

func TestAClientIsToldThatPolicyChangedItsList(t *testing.T) {
	for name, capability := range map[string]string{"its server's lists may change": `{"listChanged":true}`, "they may not": `{}`} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "reader", nil)
			tb.say(initialize)
			tb.get()
			tb.tell(`{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":` + capability + `}}}`)
			tb.hear()
			tb.conversation.PolicyChanged()
			if capability != `{}` {
				wants(t, tb.hear(), "tools/list_changed")
			}
			tb.say(`{"jsonrpc":"2.0","id":1,"method":"not/a/method"}`)
			wants(t, tb.hear(), `"id":1,"error"`)
		})
	}
}

// Source: MCP 2026-07-28, subscriptions: nothing is sent that was not asked for, and
// nothing before the acknowledgement.
func TestAStreamThatListensIsToldThatPolicyChangedItsList(t *testing.T) {
	const listen = `{"jsonrpc":"2.0","id":"s","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`
	ack := func(id, notifications string) string {
		return `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":` + notifications + `,"_meta":{"io.modelcontextprotocol/subscriptionId":` + id + `}}}`
	}
	for name, tt := range map[string]struct {
		say, tell []string // what the client says, and the server, after listen
		told      bool
	}{
		"its server agrees":                 {nil, []string{ack(`"s"`, `{"toolsListChanged":true}`)}, true},
		"its server has not answered yet":   {nil, nil, false},
		"its server does not agree":         {nil, []string{ack(`"s"`, `{"promptsListChanged":true}`)}, false},
		"its server speaks of another":      {nil, []string{ack(`"t"`, `{"toolsListChanged":true}`)}, false},
		"its server's word makes no sense":  {nil, []string{ack(`"s"`, `[]`)}, false},
		"it is over":                        {nil, []string{ack(`"s"`, `{"toolsListChanged":true}`), `{"jsonrpc":"2.0","id":"s","result":{}}`}, false},
		"its client has cancelled":          {[]string{`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"s"}}`}, []string{ack(`"s"`, `{"toolsListChanged":true}`)}, false},
		"its server agrees to another call": {[]string{`{"jsonrpc":"2.0","id":"t","method":"prompts/list"}`}, []string{ack(`"t"`, `{"toolsListChanged":true}`)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "reader", nil)
			tb.say(listen)
			tb.get()
			for _, line := range tt.say {
				tb.say(line)
				tb.get()
			}
			for _, line := range tt.tell {
				tb.tell(line)
				tb.hear()
			}
			tb.tell(`{"jsonrpc":"2.0","id":99,"method":"ping"}`) // what came before it has been looked at
			tb.hear()
			tb.conversation.PolicyChanged()
			if tt.told {
				wants(t, tb.hear(), `"method":"notifications/tools/list_changed"`, `"io.modelcontextprotocol/subscriptionId":"s"`)
			}
			tb.say(`{"jsonrpc":"2.0","id":1,"method":"not/a/method"}`)
			wants(t, tb.hear(), `"id":1,"error"`)
		})
	}
}
