package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Task is what a server says of work that goes on after its answer. Sources: MCP
// 2025-11-25, basic: tasks; MCP 2026-07-28, extension io.modelcontextprotocol/tasks.
type Task struct {
	ID   string
	Over bool // nothing more comes of it
	// Lives is how long it is kept, from when it began; zero if that is not said.
	Lives time.Duration
}

// TasksExtension is the extension's name among capabilities.
// Source: MCP 2026-07-28, extension io.modelcontextprotocol/tasks.
const TasksExtension = "io.modelcontextprotocol/tasks"

// Created returns the task that a call was answered with, in the place of its own
// answer; nil if it was not. One without an id, or with two, has an empty one.
func (m *Message) Created() *Task {
	var found []*Task
	if t := taskOf(m.task); t.ID != "" {
		found = append(found, t)
	}
	if textOf(m.resultType) == "task" {
		found = append(found, taskOf(m.Result))
	}
	switch len(found) {
	case 0:
		return nil
	case 1:
		return found[0]
	}
	return &Task{}
}

// Polled returns what an answer to a request about a task says of it, and, once that
// is in it, the answer of the call itself, which else is nil.
func (m *Message) Polled() (*Task, *Message) { return m.saysOfTask(m.Result) }

// Told is Polled of a notification about a task.
func (m *Message) Told() (*Task, *Message) { return m.saysOfTask(m.Params) }

// TellsOfTask: a notification is about a task. Source: MCP 2025-11-25 and the
// extension io.modelcontextprotocol/tasks.
func (m *Message) TellsOfTask() bool {
	return m.Method == "notifications/tasks/status" || m.Method == "notifications/tasks"
}

func (m *Message) saysOfTask(raw json.RawMessage) (*Task, *Message) {
	var said, result members
	if json.Unmarshal(raw, &said) != nil {
		return taskOf(raw), nil
	}
	for _, name := range []string{"result", "error"} {
		if string(said[name]) == "null" { // some write what is not there yet
			delete(said, name)
		}
	}
	if said["result"] == nil && said["error"] == nil {
		return taskOf(raw), nil
	}
	_ = json.Unmarshal(said["result"], &result) // one that is no object says nothing of an error
	return taskOf(raw), &Message{Raw: m.Raw, Kind: Response, ID: m.ID, Result: said["result"], Error: said["error"], toolError: string(result["isError"]) == "true"}
}

// taskOf reads an object that describes a task; a task without an id is none.
func taskOf(raw json.RawMessage) *Task {
	t := new(Task)
	var said members
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &said) != nil {
		return t
	}
	t.ID = textOf(said["taskId"])
	switch textOf(said["status"]) {
	case "completed", "failed", "cancelled":
		t.Over = true
	}
	for _, name := range []string{"ttl", "ttlMs"} {
		var ms float64
		if json.Unmarshal(said[name], &ms) == nil && ms > 0 && ms < float64(maxLives/time.Millisecond) {
			t.Lives = time.Duration(ms * float64(time.Millisecond))
		}
	}
	return t
}

// textOf is a string that was read; empty for anything else.
func textOf(raw json.RawMessage) (text string) {
	if isText(raw) {
		text, _ = unquote(raw) // valid: the decoder has read it
	}
	return text
}

// maxLives is more than any task is kept: what is said beyond it is not said.
const maxLives = 365 * 24 * time.Hour

// HandlesTasks reports whether a client's capabilities, as JSON, say that a call of
// it may be answered with a task. Source: MCP 2026-07-28, extension
// io.modelcontextprotocol/tasks: capability negotiation.
func HandlesTasks(capabilities []byte) bool {
	var says struct {
		Extensions map[string]json.RawMessage `json:"extensions"`
	}
	return json.Unmarshal(capabilities, &says) == nil && says.Extensions[TasksExtension] != nil
}

// ServesTasks reports whether the answer to initialize or to server/discover says
// that the server has tasks.
func ServesTasks(answer *Message) bool {
	var says struct {
		Capabilities struct {
			Tasks      json.RawMessage            `json:"tasks"`
			Extensions map[string]json.RawMessage `json:"extensions"`
		} `json:"capabilities"`
	}
	return json.Unmarshal(answer.Result, &says) == nil && (says.Capabilities.Tasks != nil || says.Capabilities.Extensions[TasksExtension] != nil)
}

// ErrTaskList: the response to a tasks/list is not a list that has one reading.
var ErrTaskList = errors.New("read list of tasks")

// KeepTasks returns the response to a tasks/list with only the tasks whose id is
// kept. Every other byte stays as it is.
func KeepTasks(m *Message, keep func(id string) bool) ([]byte, error) {
	if m.Error != nil {
		return m.Raw, nil
	}
	r := &reader{raw: m.Result, limits: Limits{}.orDefault(), dec: jsontext.NewDecoder(bytes.NewBuffer(m.Result))}
	if m.Kind != Response || r.dec.PeekKind() != '{' {
		return nil, fmt.Errorf("%w: the result is not an object", ErrTaskList)
	}
	var list json.RawMessage
	var kept [][]byte
	total := 0
	_, err := r.object([]string{"tasks", "nextCursor"}, func(key []byte) (err *Error) {
		if string(key) != "tasks" {
			_, err = r.value(false)
			return err
		}
		if r.dec.PeekKind() != '[' {
			return r.refuse("tasks is not an array")
		}
		list, err = r.array(func() *Error {
			raw, id, err := r.task()
			if total++; err == nil && keep(id) {
				kept = append(kept, raw)
			}
			return err
		})
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrTaskList, err)
	case list == nil:
		return nil, fmt.Errorf("%w: the result has no tasks", ErrTaskList)
	case len(kept) == total:
		return m.Raw, nil
	}
	start := m.Offset(list)
	return Splice(m.Raw, start, start+len(list), append(append([]byte{'['}, bytes.Join(kept, []byte{','})...), ']')), nil
}

// task reads an object that names a task, such as an element of a list of them.
func (r *reader) task() (raw json.RawMessage, id string, err *Error) {
	if r.dec.PeekKind() != '{' {
		return nil, "", r.refuse("a task is not an object")
	}
	raw, err = r.object([]string{"taskId"}, func(key []byte) (err *Error) {
		if string(key) == "taskId" {
			id, err = r.text("the id of a task is not a string")
		} else {
			_, err = r.value(false)
		}
		return err
	})
	if err == nil && id == "" {
		err = r.refuse("a task has no id")
	}
	return raw, id, err
}
