package mcp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
)

// A server may take a message for the task's that it says it belongs to: the answer
// to it, and questions to the user, then go to whoever follows that task.
func TestNoMessageBelongsToATaskOfAnother(t *testing.T) {
	related := func(line, task string) string {
		return strings.Replace(line, `"params":{`, `"params":{"_meta":{"io.modelcontextprotocol/related-task":`+task+`},`, 1)
	}
	progress := `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}`
	tasks := NewTasks()
	alice := converseWith(t, ownKeys, "deployer", withTasks(tasks, nil), shared)
	bob := converseWith(t, ownKeys, "deployer", withTasks(tasks, nil), shared)
	lent := converseOn(t, oneLane, "deployer", withTasks(NewTasks(), nil))
	alice.begin(taskEras[0], 1, "ListClusters", `{}`, "of-alice")
	bob.begin(taskEras[0], 1, "ListClusters", `{}`, "of-bob")
	for _, line := range []string{
		manage(2, "ListClusters", `{}`), taskEras[0].about(2, "tasks/get", "of-bob"), `{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"x":1}}`, `{"jsonrpc":"2.0","id":2,"method":"ping","params":{"x":1}}`,
	} {
		for _, tb := range []*table{bob, lent} {
			tb.say(related(line, `{"taskId":"of-alice"}`))
			wants(t, tb.hear(), `"id":2,"error":{"code":-32602`, "Task not found")
		}
		alice.say(strings.Replace(related(line, `{"taskId":"of-alice"}`), "of-bob", "of-alice", 1))
		wants(t, alice.get(), `"id":2`)
		alice.tell(`{"jsonrpc":"2.0","id":2,"result":{"tools":[]}}`)
		alice.hear()
	}
	for _, line := range []string{progress, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}`} {
		bob.say(related(line, `{"taskId":"of-alice"}`))
	}
	alice.say(related(progress, `{"taskId":"of-alice"}`))
	wants(t, alice.get(), "notifications/progress")
	for name, task := range map[string]string{
		"no object": `"of-alice"`, "no id": `{}`, "no text": `{"taskId":1}`, "empty": `{"taskId":""}`, "two": `{"taskId":"of-bob","taskId":"of-alice"}`, "in another case": `{"taskId":"of-bob","taskID":"of-alice"}`,
	} {
		bob.say(related(manage(3, "ListClusters", `{}`), task))
		if got := bob.hear(); !strings.Contains(got, `"id":3,"error":{"code":-32600`) {
			t.Errorf("%s: the client got %s", name, got)
		}
	}
	bob.reachedNothing()
	lent.reachedNothing()
	if got := strings.Count(strings.Join(classes(bob.records(14)), " "), "refusal/unknown-task"); got != 6 {
		t.Errorf("%d refusals on record", got)
	}
}

// The work of a request that nobody judges would go on after its answer, and with
// what the next call is lent.
func TestOnlyACallMayAskForATask(t *testing.T) {
	for name, lanes := range map[string]lane.Config{"none": ownKeys, "lease": oneLane} {
		t.Run(name, func(t *testing.T) {
			tb := converseOn(t, lanes, "deployer", withTasks(NewTasks(), nil))
			for _, method := range []string{"completion/complete", "prompts/list", "resources/list", "tools/list", "ping", "tasks/list", "initialize"} {
				tb.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{"task":{"ttl":1}}}`, method))
				wants(t, tb.hear(), `"id":1,"error":{"code":-32601`, "with params.task")
			}
			for _, params := range []string{`"name":"p"`, `"uri":"file:///a"`} {
				method := map[bool]string{true: "prompts/get", false: "resources/read"}[strings.Contains(params, "name")]
				tb.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s,"task":{}}}`, method, params))
				wants(t, tb.hear(), `"id":1,"error":{"code":-32601`)
			}
			tb.reachedNothing()
		})
	}
}
