package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// ownKeys is a session whose server has credentials of its own.
var ownKeys = lane.Config{Lanes: 2, Delivery: grant.DeliverNone}

// shared is the address of a server that several sessions speak to.
func shared(p *Process) { p.Address = "http://127.0.0.1:1/mcp" }

// withTasks is a gate that takes tasks, beside another change.
func withTasks(tasks *Tasks, change func(*Gate)) func(*Gate) {
	return func(g *Gate) {
		g.Tasks = tasks
		if change != nil {
			change(g)
		}
	}
}

const modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}`

// taskEra is how tasks are spoken of in one era.
type taskEra struct {
	name    string
	more    string                 // of params
	call    string                 // of params of a call
	created func(id string) string // the result that is a task
}

var taskEras = []taskEra{
	{"2025-11-25", `"x":1`, `"task":{"ttl":60000},`, func(id string) string {
		return fmt.Sprintf(`{"task":{"taskId":%q,"status":"working","ttl":60000}}`, id)
	}},
	{"2026-07-28", modernMeta, modernMeta + `,`, func(id string) string {
		return fmt.Sprintf(`{"resultType":"task","taskId":%q,"status":"working","ttlMs":60000}`, id)
	}},
}

// about is a request about a task.
func (e taskEra) about(id any, method, task string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%v,"method":%q,"params":{"taskId":%q,%s}}`, id, method, task, e.more)
}

// calls is a call that may become a task.
func (e taskEra) calls(id any, operation, params string) string {
	return strings.Replace(manage(id, operation, params), `"params":{`, `"params":{`+e.call, 1)
}

// begin makes a call that its server answers with a task.
func (tb *table) begin(e taskEra, id any, operation, params, task string) (answer string) {
	tb.t.Helper()
	call := e.calls(id, operation, params)
	tb.say(call)
	if got := tb.get(); got != call {
		tb.t.Errorf("the server got %s", got)
	}
	answer = fmt.Sprintf(`{"jsonrpc":"2.0","id":%v,"result":%s}`, id, e.created(task))
	tb.tell(answer)
	return tb.hear()
}

// asks makes a request that reaches the server as it is, and returns what the client
// hears of the server's answer.
func (tb *table) asks(request, answer string) string {
	tb.t.Helper()
	tb.say(request)
	if got := tb.get(); got != request {
		tb.t.Errorf("the server got %s", got)
	}
	tb.tell(answer)
	return tb.hear()
}

func TestATaskIsFollowedByItsCallerAlone(t *testing.T) {
	for _, e := range taskEras {
		t.Run(e.name, func(t *testing.T) {
			tasks := NewTasks()
			alice := converseWith(t, ownKeys, "deployer", withTasks(tasks, nil), shared)
			bob := converseWith(t, ownKeys, "deployer", withTasks(tasks, func(g *Gate) { g.Caller.Principal.ID = "bob" }), shared)
			want := `{"jsonrpc":"2.0","id":1,"result":` + e.created("secret-of-alice") + `}`
			if got := alice.begin(e, 1, "UpdateService", updateStaging, "secret-of-alice"); got != want {
				t.Errorf("the client got %s", got)
			}
			records := alice.records(2)
			if r := records[1]; r.Phase != audit.PhaseOutcome || r.Class != "task" || r.DecisionID != records[0].DecisionID {
				t.Errorf("outcome %+v", r)
			}
			wants(t, records[1].Message, taskDigest("secret-of-alice"))

			methods := []string{"tasks/get", "tasks/result", "tasks/cancel"}
			if e.name == "2026-07-28" {
				methods = []string{"tasks/get", "tasks/update", "tasks/cancel"}
			}
			for i, method := range methods {
				bob.say(e.about(10+i, method, "secret-of-alice"))
				wants(t, bob.hear(), fmt.Sprintf(`"id":%d,"error":{"code":-32602`, 10+i), "Task not found")
				answer := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{"resultType":"complete","x":1.0 }}`, 10+i)
				if got := alice.asks(e.about(10+i, method, "secret-of-alice"), answer); got != answer {
					t.Errorf("%s: the client got %s", method, got)
				}
			}
			bob.reachedNothing()
			for _, r := range bob.records(3) {
				if r.Phase != audit.PhaseRefusal || r.Class != "unknown-task" || !strings.HasSuffix(r.Message, "is another's") {
					t.Errorf("record %+v", r)
				}
			}
			// For some servers whoever has the id has the task.
			if log := fmt.Sprint(alice.records(3), bob.records(3)); strings.Contains(log, "secret-of-alice") {
				t.Errorf("the record has the id: %s", log)
			}
		})
	}
}

var decisionID = regexp.MustCompile(`[a-z0-9]{20}`)

func TestWhoGuessesATaskLearnsNothing(t *testing.T) {
	for _, e := range taskEras {
		t.Run(e.name, func(t *testing.T) {
			tasks := NewTasks()
			alice := converseWith(t, ownKeys, "deployer", withTasks(tasks, nil), shared)
			bob := converseWith(t, ownKeys, "deployer", withTasks(tasks, nil), shared) // the same principal in another session, even
			alice.begin(e, 1, "ListClusters", `{}`, "théo")
			never := ""
			for i, id := range []string{"never", "théo", "the\u0301o", "THÉO", "théo ", "théo\x00", "", "../théo", "*", "%", strings.Repeat("t", 5000)} {
				quoted, err := json.Marshal(id)
				check(t, err)
				request := strings.Replace(e.about(2, "tasks/get", "ID"), `"ID"`, string(quoted), 1)
				bob.say(request)
				got := decisionID.ReplaceAllString(bob.hear(), "DECISION")
				if i == 0 {
					never = got
				}
				if got != never {
					t.Errorf("%q is told apart from a task that never was:\n%s\n%s", id, got, never)
				}
				if id == "théo" {
					continue
				}
				alice.say(request)
				if got := decisionID.ReplaceAllString(alice.hear(), "DECISION"); got != never {
					t.Errorf("%q is told apart from a task that never was:\n%s\n%s", id, got, never)
				}
			}
			bob.reachedNothing()
			alice.reachedNothing()
		})
	}
	for name, params := range map[string]string{
		"no id":                   `{}`,
		"an id that is a number":  `{"taskId":1}`,
		"an id that is a list":    `{"taskId":["t"]}`,
		"two ids":                 `{"taskId":"mine","taskId":"t"}`,
		"two ids, one escaped":    `{"taskId":"mine","\u0074askId":"t"}`,
		"an id in another case":   `{"taskId":"mine","taskID":"t"}`,
		"an id that folds":        `{"taskId":"mine","tas\u212aId":"t"}`,
		"an id with NUL":          `{"taskId":"mine","taskId\u0000":"t"}`,
		"an id in another member": `{"TaskId":"mine"}`,
	} {
		t.Run(name, func(t *testing.T) {
			tb := converseOn(t, ownKeys, "deployer", withTasks(NewTasks(), nil))
			tb.begin(taskEras[0], 1, "ListClusters", `{}`, "mine")
			tb.say(`{"jsonrpc":"2.0","id":2,"method":"tasks/cancel","params":` + params + `}`)
			wants(t, tb.hear(), `"id":2,"error":{"code":-32600`)
			tb.reachedNothing()
		})
	}
}

func TestTheAnswerOfATaskIsItsCalls(t *testing.T) {
	denied := `"isError":true,"content":[{"type":"text","text":` + strconv.Quote("Error: "+noSession) + `}]`
	secret := `"structuredContent":{"environment":["hunter2"]},"content":[{"type":"image","data":"aHVudGVyMg=="}]`
	for _, e := range taskEras {
		method, wrap := "tasks/result", func(result string) string { return `{` + result + `}` }
		if e.name == "2026-07-28" {
			method, wrap = "tasks/get", func(result string) string {
				return `{"resultType":"complete","taskId":"t","status":"completed","result":{` + result + `}}`
			}
		}
		for name, tt := range map[string]struct {
			answer, class string
			redacted      int
		}{
			"an answer":              {`"result":` + wrap(`"content":[]`), "answered", 0},
			"what AWS refused":       {`"result":` + wrap(denied), "aws-denied", 0},
			"what is kept by policy": {`"result":` + wrap(secret), "answered", 2},
		} {
			t.Run(e.name+" "+name, func(t *testing.T) {
				tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", privacyRego)))
				tb.begin(e, 1, "DescribeTaskDefinition", `{"taskDefinition":"checkout:1"}`, "t")
				for range 2 { // it may be fetched again, and is on record once
					got := tb.asks(e.about(2, method, "t"), `{"jsonrpc":"2.0","id":2,`+tt.answer+`}`)
					if strings.Contains(got, "hunter2") || strings.Contains(got, "aHVudGVyMg") || strings.Contains(got, "by policy") != (tt.redacted > 0) {
						t.Errorf("the client got %s", got)
					}
				}
				records := tb.records(3)
				if r := records[2]; r.Phase != audit.PhaseTask || r.DecisionID != records[0].DecisionID || r.Class != tt.class || r.Redacted != tt.redacted || (len(r.AWS) > 0) != (tt.class == "aws-denied") {
					t.Errorf("record %+v", r)
				}
			})
		}
		t.Run(e.name+" one that is too long", func(t *testing.T) {
			tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", "")))
			tb.begin(e, 1, "ListClusters", `{}`, "t")
			tb.say(e.about(2, method, "t"))
			tb.get()
			tb.tell(`{"jsonrpc":"2.0","id":2,"result":{"x":"` + strings.Repeat("x", 16<<20) + `"}}`)
			wants(t, tb.hear(), `"id":2,"error"`, "limits.message_bytes")
			if r := tb.records(3)[2]; r.Phase != audit.PhaseTask || r.Class != "withheld" {
				t.Errorf("record %+v", r)
			}
		})
	}
}

func TestWhatATaskTellsBeforeItsEndIsRedacted(t *testing.T) {
	e := taskEras[1]
	tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", privacyRego)))
	tb.say(e.calls(1, "DescribeTaskDefinition", `{"taskDefinition":"checkout:1"}`))
	tb.get()
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{"resultType":"task","taskId":"t","status":"working","statusMessage":"environment: hunter2"}}`)
	wants(t, tb.hear(), `"taskId":"t"`, "withheld by policy")
	wants(t, tb.asks(e.about(2, "tasks/get", "t"), `{"jsonrpc":"2.0","id":2,"result":{"taskId":"t","status":"input_required","inputRequests":{"q":{"params":{"message":"environment=hunter2?"}}}}}`), "withheld by policy")
	tb.records(2) // it is not over
}

func TestInputForATaskIsDecidedAgain(t *testing.T) {
	e := taskEras[1]
	update := strings.Replace(e.about(2, "tasks/update", "t"), `"taskId"`, `"inputResponses":{"q":{"action":"accept"}},"taskId"`, 1)
	var now func(*authz.Decision)
	policy := func(own func(*Gate)) func(*Gate) {
		return func(g *Gate) {
			own(g)
			decide := g.Policy
			g.Policy = func(ctx context.Context) (Decider, error) {
				d, err := decide(ctx)
				return otherwise{d, func(d *authz.Decision) {
					if now != nil {
						now(d)
					}
				}}, err
			}
		}
	}
	tests := map[string]struct {
		now   func(*authz.Decision)
		class string
		told  string // empty: it goes on
	}{
		"policy allows the call still": {nil, "allowed", ""},
		"policy denies the call now": {func(d *authz.Decision) {
			d.Allow, d.Denies = false, []authz.Reason{{Code: "late", Message: "too late"}}
		}, "policy", "too late"},
		"the user must agree now":         {func(d *authz.Decision) { d.Obligations = []authz.Obligation{{Kind: authz.ObligationConfirm}} }, "unconfirmed", "was not asked when it was made"},
		"an obligation that nobody knows": {func(d *authz.Decision) { d.Obligations = []authz.Obligation{{Kind: "dance"}} }, "policy", "could not be evaluated"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			now = nil
			tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), policy(ownPolicy(t, allowAll, "", ""))))
			tb.begin(e, 1, "UpdateService", updateStaging, "t")
			now = tt.now
			if tt.told == "" {
				answer := `{"jsonrpc":"2.0","id":2,"result":{"resultType":"complete"}}`
				if got := tb.asks(update, answer); got != answer {
					t.Errorf("the client got %s", got)
				}
			} else {
				tb.say(update)
				wants(t, tb.hear(), `"id":2,"error":{"code":-32602`, tt.told)
				tb.reachedNothing()
			}
			records := tb.records(3)
			r := records[2]
			if r.Class != tt.class || r.Input.Method != "tasks/update" || r.Input.Tool != "ecs_resource_management" || r.Input.Operation != "UpdateService" || r.Input.ArgumentsSHA256 != records[0].Input.ArgumentsSHA256 {
				t.Errorf("record %+v, input %+v", r, r.Input)
			}
			wants(t, r.Message, "of decision "+records[0].DecisionID)
			// Its caller may always end it.
			wants(t, tb.asks(e.about(3, "tasks/cancel", "t"), `{"jsonrpc":"2.0","id":3,"result":{}}`), `"id":3,"result"`)
		})
	}
	t.Run("policy that panics", func(t *testing.T) {
		now = nil
		tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), policy(ownPolicy(t, allowAll, "", ""))))
		tb.begin(e, 1, "UpdateService", updateStaging, "t")
		now = func(*authz.Decision) { panic("at the disco") }
		tb.say(update)
		wants(t, tb.hear(), `"id":2,"error":{"code":-32603`, "could not be judged")
		tb.reachedNothing()
		if r := tb.records(3)[2]; r.Phase != audit.PhaseRefusal || r.Class != "internal" {
			t.Errorf("record %+v", r)
		}
	})
	t.Run("what is kept from now on is kept of the task", func(t *testing.T) {
		now = nil
		tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), policy(ownPolicy(t, allowAll, "", ""))))
		tb.begin(e, 1, "UpdateService", updateStaging, "t")
		now = func(d *authz.Decision) {
			d.Obligations = []authz.Obligation{{Kind: authz.ObligationRedact, Members: []string{"secrets"}}}
		}
		tb.asks(update, `{"jsonrpc":"2.0","id":2,"result":{}}`)
		wants(t, tb.asks(e.about(3, "tasks/get", "t"), `{"jsonrpc":"2.0","id":3,"result":{"taskId":"t","result":{"structuredContent":{"secrets":"hunter2"}}}}`), "redacted by policy")
	})
	t.Run("a call that is too long to be kept", func(t *testing.T) {
		now = nil
		tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", "")))
		tb.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"containerize_app","arguments":{"app_path":"/srv` + strings.Repeat("/x", maxTaskCall/2) + `","port":80},` + modernMeta + `}}`)
		tb.get()
		tb.tell(`{"jsonrpc":"2.0","id":1,"result":` + e.created("t") + `}`)
		tb.hear()
		tb.say(update)
		wants(t, tb.hear(), `"id":2,"error"`, "longer than 64 KiB")
		tb.reachedNothing()
	})
}

// otherwise is policy that says something else.
type otherwise struct {
	Decider
	change func(*authz.Decision)
}

func (d otherwise) Decide(ctx context.Context, r authz.Request) (authz.Decision, error) {
	decision, err := d.Decider.Decide(ctx, r)
	d.change(&decision)
	return decision, err
}

// The user agreed to a call under one policy: what a task is given goes to that alone.
func TestInputForATaskThatTheUserAgreedTo(t *testing.T) {
	e := taskEras[0]
	e.call += modernMeta + `,`
	var revision string
	tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), func(g *Gate) {
		confirmed(t, time.Minute)(g)
		decide := g.Policy
		g.Policy = func(ctx context.Context) (Decider, error) {
			d, err := decide(ctx)
			return otherwise{d, func(d *authz.Decision) { d.Revision += revision }}, err
		}
	}))
	asks := strings.Replace(modernMeta, `{"extensions"`, `{"elicitation":{},"extensions"`, 1) + `,`
	call := taskEra{call: asks}
	tb.say(call.calls(1, "UpdateService", updateStaging))
	_, state := tb.consult()
	call.call += again(yes, state)
	tb.say(call.calls(2, "UpdateService", updateStaging))
	wants(t, tb.get(), "UpdateService")
	tb.tell(`{"jsonrpc":"2.0","id":2,"result":` + taskEras[1].created("t") + `}`)
	tb.hear()
	tb.asks(taskEras[1].about(3, "tasks/update", "t"), `{"jsonrpc":"2.0","id":3,"result":{}}`)
	revision = "another"
	tb.say(taskEras[1].about(4, "tasks/update", "t"))
	wants(t, tb.hear(), `"id":4,"error"`, "changed while the user was asked")
	tb.reachedNothing()
}

func TestWhereCredentialsAreLentNoTaskIsTaken(t *testing.T) {
	for _, delivery := range []grant.Delivery{grant.DeliverLease, grant.DeliverProcess, grant.DeliverSigV4} {
		t.Run("asked for under "+string(delivery), func(t *testing.T) {
			lanes := oneLane
			lanes.Delivery = delivery
			tb := converseOn(t, lanes, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", "")))
			tb.say(taskEras[0].calls(1, "UpdateService", updateStaging))
			wants(t, tb.hear(), `"id":1,"error":{"code":-32601`, "the credentials of a call end with its answer", "without params.task", "credentials.delivery: none")
			tb.reachedNothing()
			if r := tb.records(1)[0]; r.Class != "method" || r.Phase != audit.PhaseRefusal {
				t.Errorf("record %+v", r)
			}
		})
	}
	t.Run("nor where nobody remembers them", func(t *testing.T) {
		tb := converseOn(t, ownKeys, "own", ownPolicy(t, allowAll, "", ""))
		tb.say(taskEras[0].calls(1, "UpdateService", updateStaging))
		wants(t, tb.hear(), `"id":1,"error":{"code":-32601`)
		tb.reachedNothing()
		tb.say(taskEras[1].calls(2, "UpdateService", updateStaging))
		tb.get()
		tb.tell(`{"jsonrpc":"2.0","id":2,"result":` + taskEras[1].created("t") + `}`)
		wants(t, tb.hear(), `"id":2`, `"isError":true`, "withheld")
	})
	// What the server goes on with, it would do with the next call's credentials.
	for name, created := range map[string]string{"2025-11-25": taskEras[0].created("t"), "2026-07-28": taskEras[1].created("t"), "without an id": `{"resultType":"\u0074ask"}`} {
		t.Run("unasked under lease, "+name, func(t *testing.T) {
			tb := converseOn(t, oneLane, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", "")))
			tb.say(taskEras[1].calls(1, "UpdateService", updateStaging))
			tb.get()
			first := tb.played
			_, err := tb.draw()
			check(t, err)
			tb.tell(`{"jsonrpc":"2.0","id":1,"result":` + created + `}`)
			got := tb.hear()
			wants(t, got, `"id":1`, `"isError":true`, "the answer is withheld", "outcome is unknown")
			if strings.Contains(got, "taskId") {
				t.Errorf("the client got %s", got)
			}
			tb.played = tb.another()
			<-first.ended // before the next call has its turn
			tb.say(taskEras[1].about(2, "tasks/get", "t"))
			wants(t, tb.hear(), `"id":2,"error":{"code":-32602`)
			tb.reachedNothing()
			if got := strings.Join(classes(tb.records(4)), " "); got != "decision/allowed event/upstream outcome/withheld refusal/unknown-task" {
				t.Errorf("records %s", got)
			}
		})
	}
	t.Run("unasked under lease, by a server that is slow to end", func(t *testing.T) {
		ends := make(chan struct{})
		tb := converseWith(t, oneLane, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", "")), func(p *Process) {
			kill := p.Kill
			p.Kill = func() { go func() { <-ends; kill() }() }
		})
		tb.say(taskEras[1].calls(1, "UpdateService", updateStaging))
		tb.get()
		tb.tell(`{"jsonrpc":"2.0","id":1,"result":` + taskEras[1].created("t") + `}`)
		// Until then the turn is the call's.
		wants(t, tb.asks(`{"jsonrpc":"2.0","id":2,"method":"ping"}`, `{"jsonrpc":"2.0","id":2,"result":{}}`), `"id":2`)
		tb.records(1)
		close(ends)
		wants(t, tb.hear(), `"id":1`, "the answer is withheld")
	})
	// A call that was lent nothing is given up on at once, and its server's turn is the next call's.
	t.Run("unasked under lease, when the client has cancelled", func(t *testing.T) {
		tb := converseOn(t, oneLane, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", "")))
		tb.asks(`{"jsonrpc":"2.0","id":0,"method":"ping"}`, `{"jsonrpc":"2.0","id":0,"result":{}}`)
		tb.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"containerize_app","arguments":{"app_path":"/srv","port":80},` + modernMeta + `}}`)
		tb.get()
		tb.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
		wants(t, tb.get(), "notifications/cancelled")
		first := tb.played
		tb.tell(`{"jsonrpc":"2.0","id":1,"result":` + taskEras[1].created("t") + `}`)
		tb.played = tb.another()
		<-first.ended
		tb.say(manage(2, "UpdateService", updateStaging))
		wants(t, tb.get(), `"id":2`)
	})
	t.Run("in the place of a prompt", func(t *testing.T) {
		tb := converseWith(t, oneLane, "own", withTasks(NewTasks(), mcpPolicy(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"mcp:GetPrompt","Resource":"*"}]}`)), func(*Process) {})
		tb.say(`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"p"}}`)
		tb.get()
		first := tb.played
		tb.tell(`{"jsonrpc":"2.0","id":1,"result":` + taskEras[1].created("t") + `}`)
		wants(t, tb.hear(), `"id":1,"error"`, "the answer is withheld")
		tb.played = tb.another()
		<-first.ended
	})
	t.Run("unasked under process", func(t *testing.T) {
		lanes := threeLanes
		lanes.Delivery = grant.DeliverProcess
		tb := converseOn(t, lanes, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", "")))
		tb.say(taskEras[1].calls(1, "UpdateService", updateStaging))
		server := tb.another()
		tb.read(server.serverIn)
		tb.write(server.serverOut, `{"jsonrpc":"2.0","id":1,"result":`+taskEras[1].created("t")+`}`)
		wants(t, tb.hear(), `"isError":true`, "the answer is withheld")
		select {
		case <-server.ended:
		case <-time.After(30 * time.Second):
			t.Fatal("the call's process lives on")
		}
		tb.reachedNothing() // the session's first server lives on
	})
}

func TestAnIdOfATaskIsTakenOnce(t *testing.T) {
	for _, e := range taskEras {
		t.Run(e.name, func(t *testing.T) {
			tasks := NewTasks()
			alice := converseWith(t, ownKeys, "own", withTasks(tasks, ownPolicy(t, allowAll, "", privacyRego)), shared)
			bob := converseWith(t, ownKeys, "own", withTasks(tasks, ownPolicy(t, allowAll, "", privacyRego)), shared)
			alone := converseOn(t, ownKeys, "own", withTasks(tasks, ownPolicy(t, allowAll, "", privacyRego)))
			alice.begin(e, 1, "DescribeTaskDefinition", `{"taskDefinition":"checkout:1"}`, "t")
			for name, id := range map[string]string{"another's": "t", "empty": "", "a long one": strings.Repeat("t", maxTaskID+1)} {
				got := bob.begin(e, 1, "ListClusters", `{}`, id)
				if !strings.Contains(got, "withheld") || strings.Contains(got, "taskId") {
					if id != "" || e.name == "2026-07-28" { // in the earlier era, an empty one is no task
						t.Errorf("%s: the client got %s", name, got)
					}
				}
				bob.say(e.about(2, "tasks/get", id))
				wants(t, bob.hear(), `"id":2,"error":{"code":-32602`)
			}
			// Nor does a second call of her own change what is kept of the first.
			wants(t, alice.begin(e, 2, "ListClusters", `{}`, "t"), "withheld")
			method := map[string]string{"2025-11-25": "tasks/result", "2026-07-28": "tasks/get"}[e.name]
			wants(t, alice.asks(e.about(3, method, "t"), `{"jsonrpc":"2.0","id":3,"result":{"structuredContent":{"environment":"hunter2"},"result":{"structuredContent":{"environment":"hunter2"}}}}`), "redacted by policy")
			// At a server of one's own ids are one's own.
			wants(t, alone.begin(e, 1, "ListClusters", `{}`, "t"), `"taskId":"t"`)
		})
	}
	t.Run("two handles in one answer", func(t *testing.T) {
		tb := converseOn(t, ownKeys, "deployer", withTasks(NewTasks(), nil))
		tb.say(taskEras[1].calls(1, "ListClusters", `{}`))
		tb.get()
		tb.tell(`{"jsonrpc":"2.0","id":1,"result":{"resultType":"task","taskId":"a","task":{"taskId":"b"}}}`)
		wants(t, tb.hear(), "withheld")
	})
}

func TestTasksAreBounded(t *testing.T) {
	tb := converseOn(t, ownKeys, "deployer", withTasks(NewTasks(), nil))
	e := taskEras[1]
	for i := range maxTasks {
		tb.begin(e, i, "ListClusters", `{}`, fmt.Sprint("task-", i))
	}
	for _, e := range taskEras {
		tb.say(e.calls(`"one more"`, "ListClusters", `{}`))
		wants(t, tb.hear(), `"one more"`, "64 tasks are not over")
	}
	tb.reachedNothing()
	// Whoever asks for no task is not kept from calling.
	tb.say(manage(`"plain"`, "ListClusters", `{}`))
	tb.get()
	tb.tell(`{"jsonrpc":"2.0","id":"plain","result":{"content":[]}}`)
	tb.hear()
	// One that is over makes room, and goes first.
	tb.asks(e.about(`"look"`, "tasks/get", "task-3"), `{"jsonrpc":"2.0","id":"look","result":{"taskId":"task-3","status":"cancelled"}}`)
	tb.begin(e, `"new"`, "ListClusters", `{}`, "task-new")
	tb.say(e.about(`"gone"`, "tasks/get", "task-3"))
	wants(t, tb.hear(), `"gone","error":{"code":-32602`)
	tb.asks(e.about(`"there"`, "tasks/get", "task-4"), `{"jsonrpc":"2.0","id":"there","result":{"taskId":"task-4","status":"working"}}`)
}

func TestATaskIsForgottenInTime(t *testing.T) {
	server := &link{}
	server.alive, server.end = context.WithCancel(t.Context())
	caller := &Gate{}
	begin := func(tasks *Tasks, id string, lives time.Duration) *task {
		one := &task{place: server.place(id), caller: caller, server: server}
		if why := tasks.bind(one, lives); why != "" {
			t.Fatal(why)
		}
		return one
	}
	tasks := NewTasks()
	for name, tt := range map[string]struct{ lives, want time.Duration }{
		"as its server says":        {time.Hour, time.Hour},
		"without a word":            {0, maxTaskTime},
		"for longer than any other": {48 * time.Hour, maxTaskTime},
	} {
		one := begin(tasks, name, tt.lives)
		if got := one.until.Sub(one.began); got != tt.want+taskGrace {
			t.Errorf("%s: kept for %s", name, got)
		}
	}
	one := begin(tasks, "t", time.Hour)
	tasks.saw(one, &wire.Task{Lives: 2 * time.Hour})
	if got := one.until.Sub(one.began); got != 2*time.Hour+taskGrace {
		t.Errorf("kept for %s when the server says more", got)
	}
	one.until = time.Now()
	if tasks.find(caller, "t") != nil || tasks.taken(one.place) {
		t.Error("found after its time")
	}
	begin(tasks, "t", 0) // its place is free
	tasks.forget(caller)
	if len(tasks.at) != 0 || len(tasks.of) != 0 {
		t.Errorf("kept after its session: %v", tasks.at)
	}
	begin(tasks, "t", 0)
	server.end()
	if tasks.find(caller, "t") != nil || len(tasks.of) != 0 {
		t.Error("found after its server ended")
	}
}

func TestTasksEndWithTheSession(t *testing.T) {
	tasks := NewTasks()
	tb := converseOn(t, ownKeys, "deployer", withTasks(tasks, nil))
	tb.begin(taskEras[0], 1, "ListClusters", `{}`, "t")
	check(t, tb.toProxy.Close())
	check(t, tb.serverOut.Close())
	<-tb.conversing
	if len(tasks.at) != 0 || len(tasks.of) != 0 {
		t.Errorf("kept: %v", tasks.at)
	}
}

func TestAListOfTasksHoldsTheCallersAlone(t *testing.T) {
	e := taskEras[0]
	tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", privacyRego)))
	tb.begin(e, 1, "DescribeTaskDefinition", `{"taskDefinition":"checkout:1"}`, "mine")
	list := `{"jsonrpc":"2.0","id":2,"method":"tasks/list"}`
	for name, tt := range map[string]struct{ answer, want string }{
		"hers and another's": {`{"z":1.0,"tasks":[{"taskId":"other"}, {"n":9007199254740993,"taskId":"m\u0069ne"} ],"nextCursor":"n" }`, `"result":{"z":1.0,"tasks":[{"n":9007199254740993,"taskId":"m\u0069ne"}],"nextCursor":"n" }`},
		"hers alone":         {`{"tasks":[ {"taskId":"mine"} ]}`, `"result":{"tasks":[ {"taskId":"mine"} ]}`},
		"another's alone":    {`{"tasks":[{"taskId":"other"}]}`, `"result":{"tasks":[]}`},
		"what is kept":       {`{"tasks":[{"taskId":"mine","statusMessage":"environment=hunter2"}]}`, `"statusMessage":"[withheld by policy`},
		"no list":            {`{"tasks":{"taskId":"other"}}`, `"error":{"code":-32603`},
		"no tasks":           {`{"x":[{"taskId":"other"}]}`, `"error":{"code":-32603`},
		"a task without id":  {`{"tasks":[{"status":"working"}]}`, `"error":{"code":-32603`},
		"an id in two cases": {`{"tasks":[{"taskId":"mine","taskID":"other"}]}`, `"error":{"code":-32603`},
		"a second list":      {`{"tasks":[],"Tasks":[{"taskId":"other"}]}`, `"error":{"code":-32603`},
	} {
		if got := tb.asks(list, `{"jsonrpc":"2.0","id":2,"result":`+tt.answer+`}`); !strings.Contains(got, tt.want) || strings.Contains(got, "other") || strings.Contains(got, "hunter2") {
			t.Errorf("%s: the client got %s", name, got)
		}
	}
}

func TestAServerTellsOfATaskToWhoseItIs(t *testing.T) {
	for _, method := range []string{"notifications/tasks/status", "notifications/tasks"} {
		t.Run(method, func(t *testing.T) {
			tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", privacyRego)))
			tell := func(id, more string) string {
				return fmt.Sprintf(`{"jsonrpc":"2.0","method":%q,"params":{"taskId":%q%s}}`, method, id, more)
			}
			tb.tell(tell("t", "")) // nobody's, yet
			tb.tell(`{"jsonrpc":"2.0","method":"` + method + `","params":{"status":"completed"}}`)
			tb.records(2)
			tb.say(taskEras[0].calls(1, "DescribeTaskDefinition", `{"taskDefinition":"checkout:1"}`))
			tb.get()
			tb.tell(tell("t", "")) // as MCP's own server does, before its answer
			tb.tell(`{"jsonrpc":"2.0","id":1,"result":` + taskEras[0].created("t") + `}`)
			wants(t, tb.hear(), `"task":{"taskId"`)
			tb.records(4) // and is no event
			tb.tell(tell("other", ""))
			tb.tell(tell("t", `,"result":{"structuredContent":{"environment":"hunter2"}}`))
			own := tell("t", `,"n":9007199254740993 `)
			tb.tell(own)
			if got := tb.hear(); got != own {
				t.Errorf("the client got %s", got)
			}
		})
	}
}

func TestSubscriptionsToTasksAreForWhoseTheyAre(t *testing.T) {
	tb := converseOn(t, ownKeys, "deployer", withTasks(NewTasks(), nil))
	tb.begin(taskEras[1], 1, "ListClusters", `{}`, "t")
	listen := func(notifications string) string {
		return `{"jsonrpc":"2.0","id":2,"method":"subscriptions/listen","params":{"notifications":` + notifications + `,` + modernMeta + `}}`
	}
	for name, tt := range map[string]struct{ notifications, refused string }{
		"to another's":                           {`{"taskIds":["t","other"]}`, "Task not found"},
		"to another's in a name that folds":      {`{"taskids":["other"]}`, "only by case"},
		"to what is no list":                     {`{"taskIds":"other"}`, "must be a list"},
		"to what is no text":                     {`{"taskIds":["t",null]}`, "must be a string"},
		"to another's beside a resource of hers": {`{"taskIds":["other"],"resourceSubscriptions":["file:///a"]}`, "Task not found"},
	} {
		tb.say(listen(tt.notifications))
		if got := tb.hear(); !strings.Contains(got, tt.refused) {
			t.Errorf("%s: the client got %s", name, got)
		}
	}
	tb.say(listen(`{"taskIds":["t"]}`))
	if got := tb.get(); got != listen(`{"taskIds":["t"]}`) {
		t.Errorf("the server got %s", got)
	}
}

// What one era has no word for is no method of it, whoever has the task.
func TestMethodsOfTasksAreOfTheirEra(t *testing.T) {
	tb := converseOn(t, ownKeys, "deployer", withTasks(NewTasks(), nil))
	tb.begin(taskEras[0], 1, "ListClusters", `{}`, "t")
	for _, request := range []string{
		taskEras[1].about(2, "tasks/result", "t"), taskEras[1].about(2, "tasks/list", "t"), taskEras[0].about(2, "tasks/update", "t"),
	} {
		tb.say(request)
		wants(t, tb.hear(), `"id":2,"error":{"code":-32601`)
	}
	tb.reachedNothing()
}

// A server that says what it can do, and nothing of tasks, would not know the method.
func TestWhereTheServerHasNoTasksThereIsNoSuchMethod(t *testing.T) {
	tb := converseOn(t, ownKeys, "deployer", withTasks(NewTasks(), nil))
	tb.greet("2025-11-25", `{}`)
	tb.say(taskEras[0].about(1, "tasks/get", "t"))
	wants(t, tb.hear(), `"id":1,"error":{"code":-32601`)
	tb.reachedNothing()
	for name, tt := range map[string]struct {
		capabilities string
		code         int
	}{
		"nothing of tasks":  {`{"tools":{}}`, -32601},
		"tasks":             {`{"extensions":{"io.modelcontextprotocol/tasks":{}}}`, -32602},
		"another extension": {`{"extensions":{"x/y":{}}}`, -32601},
	} {
		tb.asks(`{"jsonrpc":"2.0","id":2,"method":"server/discover","params":{`+modernMeta+`}}`, `{"jsonrpc":"2.0","id":2,"result":{"capabilities":`+tt.capabilities+`}}`)
		tb.say(taskEras[1].about(3, "tasks/get", "t"))
		if got := tb.hear(); !strings.Contains(got, fmt.Sprint(`"code":`, tt.code)) {
			t.Errorf("%s: the client got %s", name, got)
		}
	}
}

// Source: MCP 2026-07-28, extension io.modelcontextprotocol/tasks: error handling.
func TestARequestThatDoesNotSayThatItsClientHasTasksIsToldToSayIt(t *testing.T) {
	tb := converseOn(t, ownKeys, "deployer", withTasks(NewTasks(), nil))
	tb.say(`{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`)
	wants(t, tb.hear(), `"id":1,"error":{"code":-32021`, `"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}`, tb.records(1)[0].DecisionID)
	tb.reachedNothing()
}

// A long call leaves the first server to others; one that may become a task stays,
// since that server alone is there as long as the session.
func TestWhatMayBecomeATaskIsOnTheFirstServer(t *testing.T) {
	tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", "")))
	call := waiting(1, 60)
	tb.say(strings.Replace(call, `"params":{`, `"params":{`+modernMeta+`,`, 1))
	wants(t, tb.get(), `"id":1`)
	tb.say(strings.Replace(waiting(2, 60), `"params":{`, `"params":{"task":{},`, 1))
	wants(t, tb.get(), `"id":2`)
}

func TestARefusedTaskAugmentedCallIsAnErrorWithTheReason(t *testing.T) {
	tb := converseOn(t, ownKeys, "deployer", withTasks(NewTasks(), nil))
	tb.say(taskEras[0].calls(1, "DeleteService", deleteProd))
	wants(t, tb.hear(), `"id":1,"error":{"code":-32602`, "ProductionProtection")
	tb.say(taskEras[1].calls(2, "DeleteService", deleteProd))
	wants(t, tb.hear(), `"id":2,"result"`, `"isError":true`, "ProductionProtection")
	tb.say(strings.Replace(manage(3, "ListClusters", `{}`), `"params":{`, `"params":{"task":true,`, 1))
	wants(t, tb.hear(), `"id":3,"error":{"code":-32600`, "must be an object")
	tb.reachedNothing()
}

// A server need not be asked: it tells of the end, with the answer in it.
func TestTheAnswerOfATaskThatIsToldIsItsCalls(t *testing.T) {
	tell := func(result string) string {
		return `{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"t","status":"completed","result":` + result + `}}`
	}
	denied := tell(`{"isError":true,"content":[{"type":"text","text":` + strconv.Quote("Error: "+noSession) + `}]}`)
	tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", privacyRego)))
	tb.begin(taskEras[1], 1, "DescribeTaskDefinition", `{"taskDefinition":"checkout:1"}`, "t")
	for _, secret := range []string{
		`{"content":[{"type":"image","data":"aHVudGVyMg=="}]}`, `{"content":[{"type":"resource","resource":{"uri":"a","blob":"aHVudGVyMg=="}}]}`, `{"structuredContent":{"environment":"hunter2"}}`,
	} {
		tb.tell(tell(secret))
	}
	tb.records(5) // an event for each, and nobody has the answer
	for range 2 {
		tb.tell(denied)
		if got := tb.hear(); got != denied {
			t.Errorf("the client got %s", got)
		}
	}
	records := tb.records(6)
	if r := records[5]; r.Phase != audit.PhaseTask || r.DecisionID != records[0].DecisionID || r.Class != "aws-denied" {
		t.Errorf("record %+v", r)
	}
}

func TestWhatIsNotTheAnswerOfATaskDoesNotStandForIt(t *testing.T) {
	denied := `"result":{"isError":true,"content":[{"type":"text","text":` + strconv.Quote("Error: "+noSession) + `}]}`
	t.Run("an answer that is null until it is there", func(t *testing.T) {
		e := taskEras[1]
		tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", "")))
		tb.begin(e, 1, "UpdateService", updateStaging, "t")
		tb.asks(e.about(2, "tasks/get", "t"), `{"jsonrpc":"2.0","id":2,"result":{"taskId":"t","status":"working","result":null,"error":null}}`)
		tb.records(2)
		tb.asks(e.about(2, "tasks/get", "t"), `{"jsonrpc":"2.0","id":2,"result":{"taskId":"t","status":"completed","error":null,`+denied+`}}`)
		if r := tb.records(3)[2]; r.Class != "aws-denied" {
			t.Errorf("record %+v", r)
		}
	})
	e := taskEras[0]
	for name, tt := range map[string]struct {
		cancelled bool
		want      string
	}{
		"the answer to a question that the client withdrew": {true, "decision/allowed outcome/task task/aws-denied"},
		"that it is too early to ask":                       {false, "decision/allowed outcome/task task/aws-denied task/tool-error"},
	} {
		t.Run(name, func(t *testing.T) {
			tb := converseOn(t, ownKeys, "own", withTasks(NewTasks(), ownPolicy(t, allowAll, "", "")))
			tb.begin(e, 1, "UpdateService", updateStaging, "t")
			for range 2 {
				tb.say(e.about(2, "tasks/result", "t"))
				tb.get()
				if tt.cancelled {
					tb.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}`)
					tb.get()
				}
				tb.tell(`{"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"not now"}}`)
				wants(t, tb.hear(), "not now")
			}
			for range 2 {
				tb.asks(e.about(3, "tasks/result", "t"), `{"jsonrpc":"2.0","id":3,`+denied+`}`)
			}
			tb.asks(e.about(4, "tasks/get", "t"), `{"jsonrpc":"2.0","id":4,"result":{"taskId":"t","status":"completed"}}`)
			if got := strings.Join(classes(tb.records(strings.Count(tt.want, " ")+1)), " "); got != tt.want {
				t.Errorf("records %s", got)
			}
		})
	}
}

// A call that asks for no task is let in whatever there is, and a server may answer it with one.
func TestTasksThatNobodyAskedForAreBounded(t *testing.T) {
	tasks := NewTasks()
	tb := converseOn(t, ownKeys, "deployer", withTasks(tasks, nil))
	for i := range mostTasks + 2 {
		tb.say(manage(i, "ListClusters", `{}`))
		tb.get()
		tb.tell(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":%s}`, i, taskEras[i%2].created(fmt.Sprint("t", i))))
		if got := tb.hear(); strings.Contains(got, "withheld") != (i >= mostTasks) {
			t.Fatalf("%d: the client got %s", i, got)
		}
	}
	if len(tasks.at) != mostTasks || len(tasks.of[tb.gate]) != mostTasks {
		t.Errorf("%d tasks are remembered", len(tasks.at))
	}
}
