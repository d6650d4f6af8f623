package mcp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/redact"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// confirmKey names the proxy's question among those of an input_required result.
const confirmKey = "ecs-mcp-proxy.confirm"

// maxInput bounds what a call brings for its server and the client must hold for
// it while the user is asked.
const maxInput = 64 << 10

// elicitor asks the client's user and returns what the client answers. The error
// is errHungUp or of the context. A nil elicitor: this client cannot be asked.
type elicitor func(ctx context.Context, text string) (answer *wire.Message, err error)

var errHungUp = errors.New("the client went away")

// asking is no refusal: the client has the question as its answer, and makes its
// request again with what the user says.
type asking struct{ answer []byte }

func (*asking) Error() string { return "the client's user is asked" }

// unconfirmed refuses a call that the client's user did not agree to.
func unconfirmed(client, detail string) *refusal {
	return &refusal{classUnconfirmed, client, detail}
}

// What a client is told, and through it the model.
const (
	cannotAsk   = "the user must agree to this call first, and this client cannot ask: it declares no MCP elicitation; let a person do it, or use a client that can ask"
	askFirst    = "; do not try again unless the user wants you to"
	notThisCall = "the user's consent that came with it does not count for this call, or counted already; call again without requestState, and the user is asked again"
	tooMuch     = "the user must agree to this call first, and what it brings for the server is too long to wait for that; send less than 64 KiB of inputResponses and requestState"
	changed     = "what it would do, or policy, changed while the user was asked; call again, and the user is asked again"
)

// redeem takes the consent that a request made again brings. What it returns in
// the place of the request is what goes on: without the consent, and with what the
// call brought for its server before. A request that brings none is left as it is.
func (g *Gate) redeem(m *wire.Message, record *audit.Record) (*wire.Message, *consent, error) {
	var state string
	if len(m.RequestState) == 0 || m.RequestState[0] != '"' || json.Unmarshal(m.RequestState, &state) != nil || !isSeal(state) {
		return m, nil, nil
	}
	refused := func(err error) (*wire.Message, *consent, error) {
		return m, nil, unconfirmed(notThisCall, err.Error())
	}
	if g.Consents == nil {
		return refused(errForged)
	}
	agreed, err := g.Consents.open(state)
	if err != nil {
		return refused(err)
	}
	now := g.termsOf(m, judgement{})
	now.accesses, now.policy = agreed.about.accesses, agreed.about.policy // when it has been judged
	if what := agreed.about.differs(now); what != "" {
		return refused(fmt.Errorf("the consent is for another request: %s is not as it was", what))
	}
	if err := g.Consents.use(agreed); err != nil {
		return refused(err)
	}
	// From here on it is the decision under which the user was asked.
	record.DecisionID = agreed.id
	var responses map[string]jsontext.Value
	_ = json.Unmarshal(m.InputResponses, &responses) // what is no object has no answer in it
	agreed.no = g.answered(m, responses[confirmKey], record)
	line := m.WithInput(agreed.responses, agreed.state)
	again, err := wire.ReadClient(line, wire.Limits{Bytes: len(line)})
	if err != nil {
		return refused(err)
	}
	return again, &agreed, nil
}

// confirm asks the client's user about a call that policy allows. It returns what
// the user agreed to. The question is on record before it is asked.
func (g *Gate) confirm(ctx context.Context, m *wire.Message, judged judgement, record *audit.Record, elicit elicitor) (*consent, error) {
	asked := consent{id: record.DecisionID, about: g.termsOf(m, judged)}
	if g.Consents == nil || m.ModernVersion && !modernAsks(m) || !m.ModernVersion && elicit == nil {
		return nil, unconfirmed(cannotAsk, "the client declares no elicitation, so nobody could be asked")
	}
	redactor, err := redact.New(judged.decision.Obligations)
	if err != nil {
		return nil, policyError(err)
	}
	if why := g.Consents.ask(g.callOf(m)); why != "" {
		return nil, unconfirmed(why+askFirst, "nobody was asked: "+why)
	}
	text, recorded := g.confirmText(m, judged, redactor)
	asked.expires = time.Now().Add(g.Consents.within)
	state := ""
	if m.ModernVersion {
		if len(m.InputResponses)+len(m.RequestState) > maxInput {
			return nil, unconfirmed(tooMuch, tooMuch)
		}
		asked.responses, asked.state = m.InputResponses, m.RequestState
		state = g.Consents.seal(asked)
	}
	question := *record
	question.Phase, question.Class, question.Approval = audit.PhaseAsked, classAsked, &audit.Approval{Question: recorded}
	if err := g.append(ctx, question); err != nil {
		return nil, err
	}
	if m.ModernVersion {
		return nil, &asking{wire.InputRequired(m.ID, confirmKey, text, state)}
	}
	defer g.timed(ctx, StageConfirm)()
	began := time.Now()
	within, cancel := context.WithTimeout(ctx, g.Consents.within)
	defer cancel()
	answer, err := elicit(within, text)
	if err == nil {
		err = g.answered(m, answer.Result, record)
	} else {
		record.Approval = &audit.Approval{Answer: audit.AnswerNone}
	}
	record.Approval.Millis = float64(time.Since(began).Microseconds()) / 1000
	switch {
	case err == nil:
		return &asked, nil
	case answer != nil:
		return nil, err
	case ctx.Err() != nil:
		return nil, &refusal{classCancelled, "it was cancelled", "cancelled while the user was asked"}
	case errors.Is(err, errHungUp):
		return nil, unconfirmed("the client went away before its user answered", err.Error())
	}
	late := fmt.Sprintf("the user was asked and did not answer within %s", g.Consents.within)
	return nil, unconfirmed(late+askFirst, late)
}

// answered is nil if the user agreed, and else why the call does not go ahead. What
// the user said is noted for the record.
func (g *Gate) answered(m *wire.Message, answer []byte, record *audit.Record) error {
	record.Approval = &audit.Approval{Answer: wire.Action(answer)}
	if why := g.Consents.answered(g.callOf(m), record.Approval); why != "" {
		return unconfirmed(why+askFirst, why)
	}
	switch record.Approval.Answer {
	case audit.AnswerAccept:
		return nil
	case audit.AnswerDecline:
		return unconfirmed("the user was asked and declined"+askFirst, "the client's user declined")
	case audit.AnswerCancel:
		return unconfirmed("the user was asked and chose neither yes nor no"+askFirst, "the client's user dismissed the question")
	}
	record.Approval.Answer = audit.AnswerNone
	return unconfirmed("the client was asked and brought no answer of its user"+askFirst, "the client answered without an answer of its user")
}

// stillAgreed refuses a call that the user did not agree to, or that is not any
// more what the user agreed to.
func (g *Gate) stillAgreed(m *wire.Message, judged judgement, agreed *consent) error {
	if agreed.no != nil {
		return agreed.no
	}
	if what := agreed.about.differs(g.termsOf(m, judged)); what != "" {
		return unconfirmed(changed, what+" changed while the user was asked")
	}
	return nil
}

// modernAsks: a client of MCP 2026-07-28 can be asked about this request.
func modernAsks(m *wire.Message) bool {
	switch m.Method {
	case "tools/call", "prompts/get", "resources/read":
		return wire.Elicits(m.Capabilities)
	}
	return false // may not be answered with a question
}

// termsOf are what a user is asked about: of a call that is not judged yet, as far
// as they can be told. There must be Consents.
func (g *Gate) termsOf(m *wire.Message, judged judgement) terms {
	return terms{
		caller: g.Consents.digest(g.Caller.Principal, g.Caller.Persona, g.Caller.Role),
		call:   g.Consents.digest(m.Method, g.Catalog.Server(), m.Name, hash(m.Arguments), m.HasTask),
		// The verdicts say which of the accesses are lent.
		accesses: g.Consents.digest(judged.request.Accesses, verdicts(judged.decision), judged.decision.SessionDeny),
		policy:   g.Consents.digest(judged.decision.Revision),
	}
}

func verdicts(d authz.Decision) (all []authz.Verdict) {
	for _, a := range d.Accesses {
		all = append(all, a.Verdict)
	}
	return all
}
