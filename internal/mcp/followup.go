package mcp

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/redact"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// What a client is told of a task that is refused.
const (
	noTasks = "a task goes on after its call was answered, and the credentials of a call end with its answer; send the call without params.task, or let whoever runs the proxy give the server credentials of its own (credentials.delivery: none)"
	// noTask is of one that never was, that is over, and that is another's.
	noTask   = "Failed to retrieve task: Task not found"
	notAsked = "policy now wants the user to agree to the task's call, and the user was not asked when it was made; cancel the task, and make the call again"
	tooBig   = "the task's call is longer than 64 KiB and was not kept, so it cannot be decided again with this input; cancel the task, and send less in one call"
)

// takesTasks reports whether tasks are taken: where the proxy lends credentials, the
// work would go on without them, or with those of whoever calls next.
func (g *Gate) takesTasks() bool { return g.Tasks != nil && !g.Delivery.Lends() }

// endsWithTask reports whether a server has to end when it goes on with a task: it
// could draw what others are lent, and was started here.
func (g *Gate) endsWithTask(l *link) bool {
	return g.Delivery.Lends() && !g.Delivery.PerCall() && l.process.Working == nil
}

// outlives reports whether a call may go on as a task after its answer. It then goes
// to the session's first server, which lasts as long as the session.
func (g *Gate) outlives(m *wire.Message) (bool, error) {
	if !g.takesTasks() || !expectsTask(m) {
		return false, nil
	}
	return true, g.Tasks.room(g)
}

// expectsTask: the client expects that the request may be answered with a task.
func expectsTask(m *wire.Message) bool {
	return m.Method == "tools/call" && (m.HasTask || wire.HandlesTasks(m.Capabilities))
}

// begins reports whether a server has a request that it may answer with a task.
func (f *inflight) begins(server *link) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.client {
		if r.server == server && r.call != nil && expectsTask(r.message) {
			return true
		}
	}
	return false
}

// taskDigest stands for a task's id on record: for some servers whoever has the id
// has the task.
func taskDigest(id string) string {
	const enough = 16 // to tell it from all others
	return "sha256:" + hash([]byte(id))[:enough]
}

// toldInResult: a refusal of this request is a result that the model reads. Who asked
// for a task reads no other result than a task.
func toldInResult(m *wire.Message) bool {
	return m.Method == "tools/call" && (m.ModernVersion || !m.HasTask)
}

// about is the task that a message is about, if it is about one; strange is the id
// of one that it names and that is not its sender's.
func (c *Conversation) about(m *wire.Message, t treatment) (one *task, strange *string) {
	for _, id := range m.Tasks { // wants to be told of them, or belongs to one
		if c.Gate.Tasks.find(c.Gate, id) == nil {
			return nil, &id
		}
	}
	if t != follow {
		return nil, nil
	}
	if one = c.Gate.Tasks.find(c.Gate, m.Name); one == nil {
		return nil, &m.Name
	}
	return one, nil
}

// refuseTask refuses a request about a task that is not its sender's. Whether there
// is such a task the record says, and the answer does not.
func (c *Conversation) refuseTask(m *wire.Message, t treatment, id string) {
	class, code, told, why := classUnknownTask, codeInvalidParams, noTask, c.whose(id)
	lacks := m.ModernVersion && !wire.HandlesTasks(m.Capabilities)
	switch { // what the server would answer itself
	case t != follow && m.Method != methodListen: // it only says that it belongs to the task
		lacks = false
	case c.greeting.hasNoTasks():
		class, code, told, lacks = classMethod, codeMethodNotFound, fmt.Sprintf("method %q is not relayed: the server says that it has no tasks", m.Method), false
	case lacks:
		code, told = codeMissingCapability, "the request does not say that the client has the extension "+wire.TasksExtension
	}
	c.refuseMessage(class, why, m.Method, func(seeAll string, data map[string]any) []byte {
		if lacks {
			data["requiredCapabilities"] = map[string]any{"extensions": map[string]any{wire.TasksExtension: struct{}{}}}
		}
		return wire.ErrorResponse(m.ID, code, "ecs-mcp-proxy: "+told+seeAll, data)
	})
}

// whose says, for the record, whose a task is that is not the caller's.
func (c *Conversation) whose(id string) string {
	if l, ok := c.Gate.Lanes.Running().(*link); ok && c.Gate.Tasks.taken(l.place(id)) {
		return fmt.Sprintf("the task %s is another's", taskDigest(id))
	}
	return fmt.Sprintf("the task %s is none that this caller was given", taskDigest(id))
}

// follow forwards a request about a task to the server that has it.
func (c *Conversation) follow(ctx context.Context, r *request) {
	if r.message.Method == "tasks/update" {
		kept, id, err := c.Gate.again(ctx, r.message, r.task)
		if err != nil {
			c.warn(classify(err), id)
			if c.inflight.drop(r) {
				c.client(c.Gate.answer(r.message, classify(err), id))
			}
			return
		}
		c.Gate.Tasks.keep(r.task, kept)
		c.keep(kept)
	}
	r.sending.Lock()
	defer r.sending.Unlock()
	server := r.task.server
	if ctx.Err() != nil || !c.inflight.forward(r, server, nil, nil, nil) {
		return // cancelled by the client, or left to giveUp
	}
	if !pass(server, r.message) {
		<-server.Done()
		c.giveUp(c.inflight.of(server))
	}
}

// again decides the call of a task once more, before the task is given more to go on
// with. Its record has no outcome: that of the task is its call's.
func (g *Gate) again(ctx context.Context, m *wire.Message, one *task) (kept *redact.Redactor, id string, err error) {
	id = audit.NewID()
	record := g.newRecord(id, m)
	record.Input.Tool = ""
	defer g.conclude(ctx, &record, &err)
	if one.message == nil {
		return nil, id, &refusal{classArgument, tooBig, tooBig}
	}
	record.Input.Tool, record.Input.ArgumentsSHA256 = short(one.message.Name), hash(one.message.Arguments)
	resolution, err := g.resolve(ctx, one.message)
	if err != nil {
		return nil, id, err
	}
	waiting, cancel := context.WithTimeoutCause(ctx, g.Timeout, errWaited)
	defer cancel()
	judged, err := g.verdict(ctx, waiting, one.message, resolution, &record)
	record.Message = together(fmt.Sprintf("input for the task %s of decision %s", taskDigest(one.id), one.decision), record.Message)
	if err != nil {
		return nil, id, err
	}
	if judged.decision.Confirms() && g.Shadow == nil {
		if one.agreed == nil {
			return nil, id, unconfirmed(notAsked, "the client's user was not asked about the task's call, and is not asked about its input")
		}
		if err := g.stillAgreed(one.message, judged, one.agreed); err != nil {
			return nil, id, err
		}
	}
	if kept, err = redact.New(judged.decision.Obligations); err != nil {
		return nil, id, policyError(err)
	}
	return kept, id, g.append(ctx, record)
}

// handedOut takes the task that a call was answered with. Where none is taken, the
// answer is withheld, and ends says that the server must go too: what it does
// from now on, it would do with the credentials of the next call.
func (c *Conversation) handedOut(l *link, r *request, handle *wire.Task, answer []byte) (_ []byte, class, note string, ends bool) {
	g := c.Gate
	if !g.takesTasks() {
		switch ends = g.endsWithTask(l); {
		case ends, !g.Delivery.Lends():
		case g.Delivery.PerCall(): // the call's own process or connection, which ends with it
			r.call.hold.Broken()
		default: // not ours to end: its turn lasts as long as what it was lent
			r.call.hold.Lost()
		}
		return c.lost(r, "the server answered with a task, which goes on when the credentials of the call have ended, so the answer is withheld"), classWithheld,
			fmt.Sprintf("the server answered with the task %s, which would act after the call; withheld", taskDigest(handle.ID)), ends
	}
	one := &task{place: l.place(handle.ID), caller: g, server: l, decision: r.call.id, message: r.call.message, agreed: r.call.agreed,
		write: r.call.resolution.Write, redact: r.call.redact, over: handle.Over}
	if len(one.message.Raw) > maxTaskCall {
		one.message = nil
	}
	if why := g.Tasks.bind(one, handle.Lives); why != "" {
		return c.lost(r, "the server answered with a task that cannot be followed, so the answer is withheld"), classWithheld, "the server answered with " + why + "; withheld", false
	}
	return answer, classTask, fmt.Sprintf("the server answered with the task %s, which goes on", taskDigest(one.id)), false
}

// followed is the answer to a request about a task as the client may see it. The
// first that holds the answer of the task's call is put on record.
func (c *Conversation) followed(l *link, r *request, m *wire.Message) (answer []byte) {
	kept := c.Gate.Tasks.kept(r.task)
	redacted := 0
	if r.message.Method != "tasks/result" {
		answer, redacted = kept.Polled(m)
		said, final := m.Polled()
		c.saw(r.task, said, final, redacted)
		return answer
	}
	answer, redacted = kept.Response(m)
	if l.unanswered(m) == "" && (m.Error == nil || !r.cancelled) { // else it says that it was cancelled
		c.saw(r.task, &wire.Task{}, m, redacted)
	}
	return answer
}

// saw notes what a server says of a task, and puts the answer of its call on record,
// if that is in it: a result once, and an error before it, which may say no more than
// that it was too early to ask.
func (c *Conversation) saw(one *task, said *wire.Task, final *wire.Message, redacted int) {
	c.Gate.Tasks.saw(one, said)
	if final == nil {
		return
	}
	what := aResult
	if final.Error != nil {
		what = anError
	}
	if c.Gate.Tasks.ended(one, what) {
		class, note, refused := describe(final)
		c.taskOutcome(one, class, note, redacted, refused)
	}
}

// taskOutcome puts on record what became of a task.
func (c *Conversation) taskOutcome(one *task, class, note string, redacted int, refused []audit.AWSRefusal) {
	if one.write {
		c.Gate.Facts.Forget()
	}
	c.Gate.observer().Answered(class)
	err := c.Gate.Record.Append(audit.Record{Phase: audit.PhaseTask, DecisionID: one.decision, Class: class,
		Message: together(fmt.Sprintf("the answer of the task %s", taskDigest(one.id)), note),
		Millis:  float64(time.Since(one.began).Microseconds()) / 1000, Redacted: redacted, AWS: refused})
	if err != nil {
		c.Log.Error("the outcome of a task is not on record", zap.String("decision_id", one.decision), zap.Error(err))
	}
}

// tasksListed leaves out of a list of tasks those that are not the caller's.
func (c *Conversation) tasksListed(l *link, r *request, m *wire.Message) []byte {
	line, err := wire.KeepTasks(m, func(id string) bool { return c.Gate.Tasks.has(c.Gate, l, id) != nil })
	if err == nil {
		var again *wire.Message
		if again, err = wire.ReadServer(line, c.Limits); err == nil {
			line, _ = c.kept.Load().Response(again)
			return line
		}
	}
	c.Event(classUpstream, "the list of tasks was withheld: "+err.Error())
	return wire.ErrorResponse(r.message.ID, codeInternal, "ecs-mcp-proxy: the list of tasks cannot be filtered, so it is withheld", nil)
}
