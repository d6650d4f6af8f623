package wire

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Sources: MCP 2025-11-25, basic: tasks; MCP 2026-07-28, extension io.modelcontextprotocol/tasks.
func TestAnAnswerThatIsATaskIsSeenAsOne(t *testing.T) {
	tests := []struct {
		name, result string
		want         *Task
	}{
		{"the earlier form", `{"task":{"taskId":"t","status":"working","ttl":1500.5},"_meta":{}}`, &Task{ID: "t", Lives: 1500500 * time.Microsecond}},
		{"the later form", `{"taskId":"t\u00e9","resultType":"task","status":"cancelled","ttlMs":60000}`, &Task{ID: "té", Over: true, Lives: time.Minute}},
		{"without an end", `{"taskId":"t","resultType":"\u0074ask","ttlMs":null}`, &Task{ID: "t"}},
		{"for longer than there are tasks", `{"taskId":"t","resultType":"task","ttlMs":1e300}`, &Task{ID: "t"}},
		{"for no time", `{"taskId":"t","resultType":"task","ttlMs":-1}`, &Task{ID: "t"}},
		{"both forms", `{"taskId":"t","resultType":"task","task":{"taskId":"t"}}`, &Task{}},
		{"no id", `{"resultType":"task"}`, &Task{}},
		{"an id that is no text", `{"resultType":"task","taskId":1}`, &Task{}},
		{"an id in another spelling", `{"resultType":"task","TaskId":"t"}`, &Task{}},
		{"an answer", `{"resultType":"complete","content":[],"taskId":"t"}`, nil},
		{"an answer that has tasks", `{"content":[],"task":{"taskArn":"a"}}`, nil},
		{"an answer with a list", `{"task":["taskId"],"resultType":["task"]}`, nil},
		{"one deeper down", `{"structuredContent":{"task":{"taskId":"t"},"resultType":"task"}}`, nil},
		{"no object", `"task"`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := ReadServer([]byte(`{"jsonrpc":"2.0","id":1,"result":`+tt.result+`}`), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Created(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	if m, err := ReadServer([]byte(`{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"","data":{"resultType":"task","taskId":"t"}}}`), Limits{}); err != nil || m.Created() != nil {
		t.Errorf("an error is a task: %v", err)
	}
}

func TestATaskThatIsOverHoldsTheAnswer(t *testing.T) {
	tests := []struct {
		name, result string
		want         Task
		answer       string // result or error
		failed       bool
	}{
		{"it goes on", `{"taskId":"t","status":"working","ttlMs":1000}`, Task{ID: "t", Lives: time.Second}, "", false},
		{"an answer", `{"taskId":"t","status":"completed","result":{"content":[]}}`, Task{ID: "t", Over: true}, `{"content":[]}`, false},
		{"a tool's error", `{"taskId":"t","status":"completed","result":{"isError":true}}`, Task{ID: "t", Over: true}, `{"isError":true}`, true},
		{"a failure", `{"taskId":"t","status":"failed","error":{"code":1}}`, Task{ID: "t", Over: true}, `{"code":1}`, false},
		{"an answer that is none", `{"taskId":"t","result":7}`, Task{ID: "t"}, `7`, false},
		{"no object", `[]`, Task{}, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := ReadServer([]byte(`{"jsonrpc":"2.0","id":1,"result":`+tt.result+`}`), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			said, answer := m.Polled()
			if *said != tt.want || (answer != nil) != (tt.answer != "") {
				t.Fatalf("got %+v, %+v", said, answer)
			}
			if answer != nil && (string(answer.Result)+string(answer.Error) != tt.answer || answer.IsToolError() != tt.failed) {
				t.Errorf("got %s %s, %v", answer.Result, answer.Error, answer.IsToolError())
			}
		})
	}
}

func TestAListOfTasksIsCutOutOfItsBytes(t *testing.T) {
	const head, tail = `{"jsonrpc":"2.0","id":1,"result":`, ` }`
	for name, tt := range map[string]struct{ result, want string }{
		"some":           {`{"x":1.0,"tasks":[ {"taskId":"a","n":1e400} , {"taskId":"b"},{"taskId":"\u0063"}],"nextCursor":"n"}`, `{"x":1.0,"tasks":[{"taskId":"a","n":1e400},{"taskId":"\u0063"}],"nextCursor":"n"}`},
		"all":            {`{"tasks":[ {"taskId":"a"} ]}`, `{"tasks":[ {"taskId":"a"} ]}`},
		"none":           {`{"tasks":[{"taskId":"b"}]}`, `{"tasks":[]}`},
		"no list":        {`{"tasks":null}`, ""},
		"no tasks":       {`{}`, ""},
		"no object":      {`[]`, ""},
		"a text in it":   {`{"tasks":["a"]}`, ""},
		"no id":          {`{"tasks":[{"id":"a"}]}`, ""},
		"an empty id":    {`{"tasks":[{"taskId":""}]}`, ""},
		"a number":       {`{"tasks":[{"taskId":1}]}`, ""},
		"another case":   {`{"tasks":[{"taskId":"a","taskid":"b"}]}`, ""},
		"another folded": {`{"tasks":[],"ta\u017fks":[{"taskId":"b"}]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ReadServer([]byte(head+tt.result+tail), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			line, err := KeepTasks(m, func(id string) bool { return id == "a" || id == "c" })
			if tt.want == "" {
				if !errors.Is(err, ErrTaskList) || line != nil {
					t.Errorf("got %s, %v", line, err)
				}
			} else if err != nil || string(line) != head+tt.want+tail {
				t.Errorf("got %s, %v", line, err)
			}
		})
	}
	m, err := ReadServer([]byte(`{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":""}}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if line, err := KeepTasks(m, nil); err != nil || string(line) != string(m.Raw) {
		t.Errorf("an error becomes %s, %v", line, err)
	}
}

func TestWhoSaysThatThereAreTasks(t *testing.T) {
	for capabilities, want := range map[string]bool{
		`{"extensions":{"io.modelcontextprotocol/tasks":{}}}`: true, `{"\u0065xtensions":{"io.modelcontextprotocol/tasks":{"x":1}}}`: true,
		`{"extensions":{"io.modelcontextprotocol/Tasks":{}}}`: false, `{"tasks":{}}`: false, `{}`: false, `[]`: false, ``: false,
	} {
		if got := HandlesTasks([]byte(capabilities)); got != want {
			t.Errorf("%s: %v", capabilities, got)
		}
	}
	for result, want := range map[string]bool{
		`{"capabilities":{"tasks":{"cancel":{}}}}`: true, `{"capabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}`: true,
		`{"capabilities":{"tools":{}}}`: false, `{"tasks":{}}`: false, `{}`: false, `7`: false,
	} {
		if got := ServesTasks(&Message{Result: []byte(result)}); got != want {
			t.Errorf("%s: %v", result, got)
		}
	}
}

func TestARequestNamesItsTask(t *testing.T) {
	for _, method := range []string{"tasks/get", "tasks/result", "tasks/update", "tasks/cancel"} {
		m, err := ReadClient([]byte(`{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":{"name":"x","uri":"y","taskId":"\u0074"}}`), Limits{})
		if err != nil || m.Name != "t" {
			t.Errorf("%s: %+v, %v", method, m, err)
		}
	}
	m, err := ReadClient([]byte(`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"taskIds":["a","\u0062"]}}}`), Limits{})
	if err != nil || strings.Join(m.Tasks, " ") != "a b" {
		t.Errorf("%+v, %v", m, err)
	}
}

// A list of tasks keeps those that are to be kept and no other, or is an error; what
// is said of a task has at most one reading.
func FuzzTasks(f *testing.F) {
	for _, result := range []string{`{"tasks":[{"taskId":"a","status":"working"},{"taskId":"b"}],"nextCursor":"c"}`, `{"task":{"taskId":"a","ttl":1e3}}`,
		`{"resultType":"task","taskId":"a","task":{"taskId":"b"}}`, `{"taskId":"a","result":null,"error":{}}`, `{"tasks":[{"taskId":"a","taskId":"b"}]}`, `{"tasks":[1],"tasks":[]}`} {
		f.Add([]byte(result))
	}
	f.Fuzz(func(t *testing.T, result []byte) {
		m, err := ReadServer(append(append([]byte(`{"jsonrpc":"2.0","id":1,"result":`), result...), '}'), Limits{})
		if err != nil || m.Kind != Response {
			return
		}
		m.Created()
		if said, _ := m.Polled(); said.Lives < 0 || said.Lives > maxLives {
			t.Errorf("it lives for %s", said.Lives)
		}
		line, err := KeepTasks(m, func(id string) bool { return id == "a" })
		if err != nil || m.Error != nil {
			return
		}
		again, err := ReadServer(line, Limits{})
		if err != nil {
			t.Fatalf("what is left of the list cannot be read: %v", err)
		}
		if _, err := KeepTasks(again, func(id string) bool {
			if id != "a" {
				t.Errorf("the task %q is kept in %s", id, line)
			}
			return true
		}); err != nil {
			t.Errorf("what is left is no list: %v", err)
		}
	})
}
