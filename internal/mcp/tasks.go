package mcp

import (
	"fmt"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/redact"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// Tasks is what goes on at servers after a call was answered, and whose it is. One
// serves all sessions of a proxy. A nil Tasks takes none.
// Sources: MCP 2025-11-25, basic: tasks; MCP 2026-07-28, extension io.modelcontextprotocol/tasks.
type Tasks struct {
	mu sync.Mutex
	at map[place]*task
	of map[*Gate]map[string]*task // of each session, by id
}

// NewTasks returns one without tasks.
func NewTasks() *Tasks {
	return &Tasks{at: map[place]*task{}, of: map[*Gate]map[string]*task{}}
}

// place is where no second task has the id: a server that several sessions speak
// to, by its address, or one of a session alone, by the link to it.
type place struct {
	server any
	id     string
}

// task is bound to the session whose call was answered with it, and to the server
// that answered.
type task struct {
	place
	caller   *Gate
	server   *link
	decision string // of the call
	// message is the call as it was judged, to be decided again; nil if it is too
	// long to be kept.
	message *wire.Message
	agreed  *consent // of the client's user to the call; nil if nobody was asked
	write   bool
	began   time.Time

	// By the lock of the table:
	redact *redact.Redactor // what is kept from the client
	until  time.Time
	over   bool // it has ended, and its answer may still be fetched
	told   told // of its answer
}

// told is what was said of the answer to a task's call.
type told int

const (
	nothing told = iota
	anError      // which may have been of the question, not of the task
	aResult
)

// The bounds of what is remembered of one session's tasks.
const (
	maxTasks    = 64 // that are not over, when a call is let in
	mostTasks   = maxTasks + maxInflight
	maxTaskID   = 1 << 10  // bytes
	maxTaskCall = 64 << 10 // bytes of a call that is kept
	maxTaskTime = 24 * time.Hour
	taskGrace   = time.Minute // beyond the time that its server gives it
)

// room refuses a call that may become a task while there are too many.
func (t *Tasks) room(caller *Gate) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prune(caller)
	going := 0
	for _, one := range t.of[caller] {
		if !one.over {
			going++
		}
	}
	if going < maxTasks {
		return nil
	}
	return &refusal{classInFlight, fmt.Sprintf("%d tasks are not over; cancel one (tasks/cancel), or look whether one has ended (tasks/get)", going), "too many tasks"}
}

// bind takes a new task, or says why not. The first of an id stays what it is:
// nobody gets at another's task, nor at an answer under terms of another call.
func (t *Tasks) bind(one *task, lives time.Duration) (why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prune(one.caller)
	if before := t.at[one.place]; before != nil && before.gone() {
		t.remove(before)
	}
	switch {
	case one.id == "" || len(one.id) > maxTaskID:
		return "a task without an id of its own, or of usual length"
	case t.at[one.place] != nil || t.of[one.caller][one.id] != nil:
		return "the id of another task"
	}
	if len(t.of[one.caller]) >= maxTasks {
		t.evict(one.caller)
	}
	if len(t.of[one.caller]) >= mostTasks { // of a server that was not asked for them
		return "more tasks than are remembered"
	}
	one.began = time.Now()
	one.live(lives)
	t.at[one.place] = one
	if t.of[one.caller] == nil {
		t.of[one.caller] = map[string]*task{}
	}
	t.of[one.caller][one.id] = one
	return ""
}

// find returns a session's own task; nil for another's, as for none.
func (t *Tasks) find(caller *Gate, id string) *task {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.of[caller][id]
	if one != nil && one.gone() {
		t.remove(one)
		return nil
	}
	return one
}

// has returns a session's own task of a server; nil for every other.
func (t *Tasks) has(caller *Gate, l *link, id string) *task {
	if one := t.find(caller, id); one != nil && one.server == l {
		return one
	}
	return nil
}

// taken reports whether somebody has the task: for the record, and no client.
func (t *Tasks) taken(p place) bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at[p] != nil
}

// saw notes what the server says of a task.
func (t *Tasks) saw(one *task, said *wire.Task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one.over = one.over || said.Over
	if said.Lives > 0 {
		one.live(said.Lives)
	}
}

// ended notes that the answer to the task's call is there; true for the first time,
// and for the first result that follows an error.
func (t *Tasks) ended(one *task, what told) (first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first = what > one.told
	one.over, one.told = true, max(what, one.told)
	return first
}

// kept is what is kept from the client in answers about the task.
func (t *Tasks) kept(one *task) *redact.Redactor {
	t.mu.Lock()
	defer t.mu.Unlock()
	return one.redact
}

// keep keeps more.
func (t *Tasks) keep(one *task, more *redact.Redactor) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one.redact = one.redact.With(more)
}

// forget ends what a session had.
func (t *Tasks) forget(caller *Gate) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.of[caller] {
		t.remove(one)
	}
}

// prune removes what is gone; the caller holds the lock.
func (t *Tasks) prune(caller *Gate) {
	for _, one := range t.of[caller] {
		if one.gone() {
			t.remove(one)
		}
	}
}

// evict removes the task that is over and would be gone first, if there is one; the
// caller holds the lock.
func (t *Tasks) evict(caller *Gate) {
	var first *task
	for _, one := range t.of[caller] {
		if one.over && (first == nil || one.until.Before(first.until)) {
			first = one
		}
	}
	if first != nil {
		t.remove(first)
	}
}

func (t *Tasks) remove(one *task) {
	delete(t.at, one.place)
	delete(t.of[one.caller], one.id)
	if len(t.of[one.caller]) == 0 {
		delete(t.of, one.caller)
	}
}

// live sets the end of a task that its server keeps for a time, or does not say.
func (one *task) live(lives time.Duration) {
	if lives <= 0 || lives > maxTaskTime {
		lives = maxTaskTime
	}
	one.until = one.began.Add(lives + taskGrace)
}

// gone: its time is over, or its server has ended.
func (one *task) gone() bool {
	select {
	case <-one.server.Done():
		return true
	default:
		return !time.Now().Before(one.until)
	}
}
