package mcp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/redact"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// Decider is policy.
type Decider interface {
	Decide(context.Context, authz.Request) (authz.Decision, error)
	Visible(ctx context.Context, persona string, actions []string) ([]string, error)
	// Revision changes whenever the answers may.
	Revision() string
}

// FactReader fills in what the arguments do not say.
type FactReader interface {
	Fill(context.Context, []authz.Access) (filled []authz.Access, problems []string)
	Forget()
}

// Minter lends credentials.
type Minter interface {
	Mint(context.Context, grant.Order) (*grant.Grant, error)
	Keep(ctx context.Context, o grant.Order, minted *grant.Grant, lend func(*grant.Grant) error) error
}

// Recorder keeps the record.
type Recorder interface {
	Append(audit.Record) error
}

// Caller is who calls and what they may be: established once, from the
// operating system and configuration, never from a message.
type Caller struct {
	Principal authz.Principal
	Persona   string
	Role      string // ARN
	Terms     grant.Terms
	Env       catalog.Env
}

// Gate judges calls. Its fields are set once, before the first call.
type Gate struct {
	Caller  Caller
	Catalog *catalog.Catalog
	// Policy waits until policy is loaded; an error refuses every call.
	Policy func(context.Context) (Decider, error)
	Facts  FactReader
	Grants Minter
	// Lanes are the session's servers.
	Lanes *lane.Pool
	// Delivery is how credentials reach them.
	Delivery grant.Delivery
	Record   Recorder
	Timeout  time.Duration // of a call whose catalogue entry names none
	// Wait is the longest that a call may be asked to wait; zero for what one session outlasts.
	Wait time.Duration
	// Consents is the client's user's word, where policy wants it; nil, and such calls are refused.
	Consents *Consents
	// Tasks are what goes on after a call; nil, and none may.
	Tasks *Tasks
	// Shadow is the mode shadow; nil, and policy is enforced.
	Shadow *Shadow
	// ListOperations adds to a tool's description which of its operations
	// policy leaves open.
	ListOperations bool
	// NoReuse gives every call a grant of its own, reads too.
	NoReuse bool
	// FullDetail tells the client which statement decided.
	FullDetail bool
	// ShowCommand is the command that prints a decision's record.
	ShowCommand func(id string) string

	// Pins are what the server's tools said of themselves at first.
	Pins *ToolPins
	// ToolChanged is told of each tool that says something else; may be nil.
	ToolChanged func(text string)
	// Observe counts what the gate does; nil for nobody.
	Observe Observer
	// Tracer follows calls; nil for nobody. Came says how a request came in over
	// HTTP; nil where none does.
	Tracer Tracer
	Came   func(wire.Key) Came

	shown shown // which tools are listed to the caller
	// compared makes sure that a server's tools were compared with their pins
	// before one is called; nil if there is no server to ask.
	compared func(context.Context, lane.Server, *wire.Message) error
}

// admission is a call that may be forwarded, and the hold it must release.
type admission struct {
	id         string        // decision id
	message    *wire.Message // that was judged and is to be forwarded
	resolution *catalog.Resolution
	hold       *lane.Hold
	deadline   time.Time
	redact     *redact.Redactor // what is kept from the client; nil for nothing
	agreed     *consent         // of the client's user; nil if nobody was asked
	trace      Trace            // nil: nobody follows it
}

// admit is the whole way of one call, top to bottom. It returns either an
// admission, whose lease is open and whose decision is on record, or an error;
// it records every refusal itself; the error [asking] is none. While the call waits
// for its turn, wait is called again and again, unless it is nil; elicit asks the
// client's user.
func (g *Gate) admit(ctx context.Context, m *wire.Message, wait func(times int), elicit elicitor) (_ *admission, id string, err error) {
	id = audit.NewID()
	record := g.newRecord(id, m)
	var trace Trace
	defer func() {
		// A panic in judging one call must not end the others.
		if p := recover(); p != nil {
			g.observer().Panicked()
			err = &refusal{classInternal, "it could not be judged", fmt.Sprintf("panic: %v", p)}
		}
		if _, asks := errors.AsType[*asking](err); asks {
			record.Class = classAsked
		} else if err != nil {
			err = g.recordRefusal(ctx, record, classify(err))
			record.Class = classify(err).class
		}
		g.observer().Decided(record.Class, g.Caller.Persona)
		if trace != nil {
			trace.Decided(record.Class)
			if err != nil {
				trace.End("")
			}
		}
	}()

	m, agreed, err := g.redeem(m, &record)
	id = record.DecisionID
	ctx, trace = g.follow(ctx, m, id)
	if err != nil {
		return nil, id, err
	}
	resolution, err := g.resolve(ctx, m)
	if err != nil {
		return nil, id, err
	}
	outlives, err := g.outlives(m)
	if err != nil {
		return nil, id, err
	}
	timeout := resolution.Timeout
	if timeout <= 0 {
		timeout = g.Timeout
	}
	waiting, cancel := context.WithTimeoutCause(ctx, timeout, errWaited)
	defer cancel()
	judged, err := g.verdict(ctx, waiting, m, resolution, &record)
	if err == nil && agreed == nil && g.Shadow == nil && judged.decision.Confirms() {
		if agreed, err = g.confirm(ctx, m, judged, &record, elicit); err == nil {
			again, cancel := context.WithTimeoutCause(ctx, timeout, errWaited) // the user's time is not the call's
			defer cancel()
			waiting = again
			judged, err = g.verdict(ctx, waiting, m, resolution, &record)
		}
	}
	if err == nil && agreed != nil {
		err = g.stillAgreed(m, judged, agreed)
	}
	if err != nil {
		return nil, id, err
	}
	redactor, err := redact.New(judged.decision.Obligations)
	if err != nil {
		return nil, id, policyError(err)
	}

	if resolution.LeavesCredentials && g.Delivery.Lends() && g.Delivery != grant.DeliverProcess {
		return nil, id, &refusal{classCredentials, leavesBehind, leavesBehind}
	}
	order := g.order(id, resolution, judged)
	hold, err := g.turn(waiting, resolution, &order, outlives, wait)
	if err != nil {
		return nil, id, err
	}
	admitted := false
	defer func() {
		if !admitted { // an error, or a panic on its way
			hold.Release()
		}
	}()
	if g.compared != nil { // before anything is lent
		if err := g.compared(waiting, hold.Server(), m); err != nil {
			return nil, id, err
		}
	}
	order.Deadline = time.Now().Add(timeout)
	lent, err := g.mint(waiting, order)
	if ctx.Err() != nil {
		return nil, id, &refusal{classCancelled, "it was cancelled", "cancelled before it was forwarded"}
	}
	if err != nil {
		return nil, id, err
	}
	if lent != nil {
		record.Grant = recorded(lent)
	}
	if err := g.append(ctx, record); err != nil {
		return nil, id, err
	}
	if lent != nil {
		end := g.timed(ctx, StageLease)
		if err := hold.Deliver(waiting, lent); err != nil {
			return nil, id, err
		}
		end()
		if order.Renews {
			go g.renew(hold, id, order, lent)
		}
	}
	admitted = true
	if record.EnforceWouldDeny {
		g.Shadow.letThrough.Add(1)
	}
	return &admission{id: id, message: m, resolution: resolution, hold: hold, deadline: order.Deadline, redact: redactor, agreed: agreed, trace: trace}, id, nil
}

// verdict judges a call and puts on record what came of it. An error refuses it.
func (g *Gate) verdict(ctx, waiting context.Context, m *wire.Message, r *catalog.Resolution, record *audit.Record) (judgement, error) {
	judged, err := g.judge(waiting, m, r)
	record.Input.Operation, record.Input.EscapesScope = r.Operation, r.EscapesScope
	record.Input.Accesses = judged.request.Accesses
	record.Revision = judged.decision.Revision
	record.Message = strings.Join(judged.problems, "; ")
	if err != nil {
		if ctx.Err() != nil { // not policy's fault
			err = &refusal{classCancelled, "it was cancelled", "cancelled while it was decided"}
		}
		return judged, err
	}
	record.Result = &judged.decision
	if judged.decision.Allow {
		return judged, nil
	}
	denied := denial(judged.request, judged.decision, g.FullDetail)
	if !g.Shadow.passes(judged.request, judged.decision) {
		return judged, denied
	}
	record.Class, record.EnforceWouldDeny = classShadow, true
	record.Message = together(denied.detail, record.Message)
	return judged, nil
}

// leavesBehind is why a tool that no lease ends is refused where its server goes on.
const leavesBehind = "it takes credentials beyond what it is lent and leaves some behind, such as a registry's login in the server's home, which the end of a lease does not end; it works with credentials.delivery: process, where the server and its home end with the call"

var errWaited = errors.New("waited too long")
