package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// tasksKey is the extension's name. Source: MCP 2026-07-28, extension io.modelcontextprotocol/tasks.
const tasksKey = "io.modelcontextprotocol/tasks"

// taskServer is a server with tasks, which the reference server has not: what the
// suite wants of one, and no more. Source: the scenarios tasks-… of the suite.
type taskServer struct {
	mu    sync.Mutex
	tasks map[string]*task
}

// task is one that the server works on.
type task struct {
	status  string
	asks    map[string]any // inputRequests that are not answered
	answers map[string]json.RawMessage
	result  any
	failed  any
	change  chan struct{} // closed when the last of asks is answered, or the task cancelled
}

// taskRequest is a request, as far as the server looks at it.
type taskRequest struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Name           string                     `json:"name"`
		TaskID         string                     `json:"taskId"`
		InputResponses map[string]json.RawMessage `json:"inputResponses"`
		Arguments      struct {
			Name    string  `json:"name"`
			Seconds float64 `json:"seconds"`
		} `json:"arguments"`
		Meta struct {
			Capabilities struct {
				Extensions map[string]any `json:"extensions"`
			} `json:"io.modelcontextprotocol/clientCapabilities"`
		} `json:"_meta"`
	} `json:"params"`
}

type object = map[string]any

// rpcError is an error that a client is answered with.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func (e *rpcError) Error() string { return e.Message }

// taskVerb makes this program such a server, on standard input and output.
const taskVerb = "task-server"

func newTaskServer() *taskServer { return &taskServer{tasks: map[string]*task{}} }

// overStdio serves lines, until they end.
func (s *taskServer) overStdio() {
	var out sync.Mutex
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		line := slices.Clone(lines.Bytes())
		go func() {
			if _, answer := s.answer(line, nil); answer != nil {
				out.Lock()
				defer out.Unlock()
				fmt.Printf("%s\n", answer)
			}
		}()
	}
}

// overHTTP serves an address of its own.
func (s *taskServer) overHTTP() (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	web := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		status, answer := s.answer(body, r.Header)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(answer)
	})}
	go func() { _ = web.Serve(l) }()
	return "http://" + l.Addr().String() + "/", func() { _ = web.Close() }, nil
}

// answer is the answer to a message, nil for a notification. Headers are those that
// came with it over HTTP.
func (s *taskServer) answer(message []byte, headers http.Header) (status int, _ []byte) {
	var r taskRequest
	if json.Unmarshal(message, &r) != nil || r.ID == nil {
		return http.StatusAccepted, nil
	}
	status, answer := http.StatusOK, object{"jsonrpc": "2.0", "id": r.ID}
	result, failed := s.handle(&r, headers)
	switch {
	case failed == nil:
		answer["result"] = result
	case failed.Code == -32601:
		status, answer["error"] = http.StatusNotFound, failed
	default:
		status, answer["error"] = http.StatusBadRequest, failed
	}
	b, _ := json.Marshal(answer) // has a JSON form
	return status, b
}

func (s *taskServer) handle(r *taskRequest, headers http.Header) (object, *rpcError) {
	_, can := r.Params.Meta.Capabilities.Extensions[tasksKey]
	missing := &rpcError{-32021, "Missing required client capability", object{"requiredCapabilities": object{"extensions": object{tasksKey: object{}}}}}
	name := r.Params.Name + r.Params.TaskID
	if headers != nil && slices.Contains([]string{"tools/call", "tasks/get", "tasks/update", "tasks/cancel"}, r.Method) && (headers.Get("Mcp-Method") != r.Method || headers.Get("Mcp-Name") != name) {
		return nil, &rpcError{-32020, "the headers do not agree with the body", nil}
	}
	switch r.Method {
	case "server/discover":
		return object{"resultType": "complete", "ttlMs": 0, "cacheScope": "public", "supportedVersions": []string{"2026-07-28"},
			"capabilities": object{"tools": object{}, "extensions": object{tasksKey: object{}}}, "serverInfo": object{"name": "tasks", "version": "1"}}, nil
	case "tools/list":
		var tools []object
		for _, name := range slices.Sorted(maps.Keys(taskTools)) {
			tools = append(tools, object{"name": name, "inputSchema": object{"type": "object"}})
		}
		return object{"resultType": "complete", "ttlMs": 0, "cacheScope": "public", "tools": tools}, nil
	case "tools/call":
		work, ok := taskTools[name]
		switch {
		case !ok:
			return nil, &rpcError{-32602, "Unknown tool", nil}
		case name == "greet" || name == "slow_compute" && (!can || r.Params.Arguments.Seconds == 0):
			return text("Hello, "+r.Params.Arguments.Name+"!", false), nil
		case !can:
			return nil, missing
		case name == "test_tool_with_task" && r.Params.InputResponses == nil:
			return object{"resultType": "input_required", "requestState": "once", "inputRequests": object{"user_name": question("user_name")}}, nil
		}
		return s.begin(r, work), nil
	case "tasks/get", "tasks/update", "tasks/cancel":
		if !can {
			return nil, missing
		}
		return s.about(r)
	}
	return nil, &rpcError{-32601, "Method not found", nil}
}

// taskTools are the tools, and what a task of each does.
var taskTools = map[string]func(*taskServer, *task, *taskRequest){
	"greet": nil,
	"slow_compute": func(s *taskServer, t *task, r *taskRequest) {
		time.Sleep(time.Duration(r.Params.Arguments.Seconds * float64(time.Second)))
		s.end(t, text("computed", false), nil)
	},
	"failing_job":        func(s *taskServer, t *task, _ *taskRequest) { s.end(t, text("it failed", true), nil) },
	"protocol_error_job": func(s *taskServer, t *task, _ *taskRequest) { s.end(t, nil, &rpcError{-32603, "it crashed", nil}) },
	"confirm_delete":     func(s *taskServer, t *task, _ *taskRequest) { s.ask(t, "confirm") },
	"multi_input":        func(s *taskServer, t *task, _ *taskRequest) { s.ask(t, "one", "two") },
	"test_tool_with_task": func(s *taskServer, t *task, r *taskRequest) {
		s.end(t, text(fmt.Sprintf("Hello, %s!", r.Params.InputResponses["user_name"]), false), nil)
	},
}

func text(said string, failed bool) object {
	return object{"resultType": "complete", "isError": failed, "content": []object{{"type": "text", "text": said}}}
}

func question(name string) object {
	schema := object{"type": "object", "properties": object{name: object{"type": "string"}}}
	return object{"method": "elicitation/create", "params": object{"mode": "form", "message": name + "?", "requestedSchema": schema}}
}

// begin answers a call with a task.
func (s *taskServer) begin(r *taskRequest, work func(*taskServer, *task, *taskRequest)) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, t := rand.Text(), &task{status: "working", change: make(chan struct{})}
	s.tasks[id] = t
	go work(s, t, r)
	created := t.describe(id)
	created["resultType"] = "task"
	return created
}

// describe is what a client is told; the caller holds the lock.
func (t *task) describe(id string) object {
	now := time.Now().UTC().Format(time.RFC3339)
	o := object{"resultType": "complete", "taskId": id, "status": t.status, "createdAt": now, "lastUpdatedAt": now, "ttlMs": 60000, "pollIntervalMs": 50}
	switch {
	case t.status == "input_required":
		o["inputRequests"] = maps.Clone(t.asks)
	case t.status == "completed":
		o["result"] = t.result
	case t.status == "failed":
		o["error"] = t.failed
	}
	return o
}

func (s *taskServer) end(t *task, result any, failed *rpcError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case t.status == "cancelled":
	case failed != nil:
		t.status, t.failed = "failed", failed
	default:
		t.status, t.result = "completed", result
	}
}

// ask waits until the client has answered everything, and ends the task with that.
func (s *taskServer) ask(t *task, names ...string) {
	s.mu.Lock()
	t.status, t.asks, t.answers = "input_required", object{}, map[string]json.RawMessage{}
	for _, name := range names {
		t.asks[name+"-"+rand.Text()] = question(name)
	}
	s.mu.Unlock()
	<-t.change
	s.mu.Lock()
	said, _ := json.Marshal(t.answers) // was JSON
	s.mu.Unlock()
	s.end(t, text(string(said), false), nil)
}

// about looks at a task, gives it input or ends it.
func (s *taskServer) about(r *taskRequest) (object, *rpcError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[r.Params.TaskID]
	if t == nil {
		return nil, &rpcError{-32602, "Failed to retrieve task: Task not found", nil}
	}
	goesOn := t.status == "working" || t.status == "input_required"
	switch {
	case r.Method == "tasks/get":
		return t.describe(r.Params.TaskID), nil
	case r.Method == "tasks/cancel" && goesOn:
		if t.status == "input_required" {
			close(t.change)
		}
		t.status = "cancelled"
	case r.Method == "tasks/update" && t.status == "input_required":
		for key, said := range r.Params.InputResponses {
			if _, asked := t.asks[key]; asked {
				delete(t.asks, key)
				t.answers[key] = said
			}
		}
		if len(t.asks) == 0 {
			t.status = "working"
			close(t.change)
		}
	}
	return object{"resultType": "complete"}, nil
}
