package explain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/facts"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// ErrArguments is the class of arguments that are not a JSON object.
var ErrArguments = errors.New("arguments are not a JSON object")

// Explainer has what explanations are made of. Its fields are set once.
type Explainer struct {
	Catalog  *catalog.Catalog
	Personas map[string]policy.Persona
	// Callers says who the caller is, or would be, by persona.
	Callers map[string]mcp.Caller
	Persona string // the caller's
	// Compile makes policy of personas, as the proxy does at its start.
	Compile func(context.Context, map[string]policy.Persona) (mcp.Decider, error)
	// Guardrails describes the guardrails as a persona sets them.
	Guardrails func(policy.Guardrails) (map[string]policy.GuardrailState, error)
	// InRegion reads everything anew for another region; nil if it cannot.
	InRegion func(region string) (map[string]mcp.Caller, map[string]policy.Persona, error)
	// Facts looks tags up; nil leaves them unknown, or as Tags has them.
	Facts mcp.FactReader
	// Tags are assumed to be the tags of every resource whose tags would be looked up.
	Tags    map[string]string
	Timeout time.Duration // of a call whose catalogue entry names none
	NoReuse bool          // every call has a grant of its own
	Now     func() time.Time
	// Notes are said with every explanation.
	Notes []string
}

// inquiry is one call while it is explained.
type inquiry struct {
	*Explainer
	message  *wire.Message
	recorded *catalog.Resolution // of a recorded decision, whose arguments are not at hand
	gates    map[string]*mcp.Gate
	compiled map[string]mcp.Decider
	asked    map[string]judged
	compiles int
	untried  string // why the search may have missed something
}

func (x *Explainer) inquiry(m *wire.Message) *inquiry {
	return &inquiry{Explainer: x, message: m, gates: map[string]*mcp.Gate{}, compiled: map[string]mcp.Decider{}, asked: map[string]judged{}}
}

// judged is the gate's answer in one situation.
type judged struct {
	situation
	preview    mcp.Preview
	resolution *catalog.Resolution
	hidden     bool
	// policy is the session policy, unless lend says why there is none.
	policy string
	lend   error
}

// allowed reports whether the call would go ahead.
func (j judged) allowed() bool {
	return !j.hidden && j.preview.Decision.Allow && (j.lend == nil || errors.Is(j.lend, grant.ErrNothingGrantable))
}

// Call explains a tools/call. An error means that it could not be explained; a
// call that the proxy would refuse is none.
func (x *Explainer) Call(ctx context.Context, tool string, arguments json.RawMessage) (*Explanation, error) {
	message, refused, err := read(tool, arguments)
	if err != nil {
		return nil, err
	}
	q := x.inquiry(message)
	s, err := x.situation()
	if err != nil {
		return nil, err
	}
	if refused != nil {
		e := q.blank(s)
		e.Call.Tool = tool
		e.Answer, e.Class, e.Because = Refused, "unreadable", []string{refused.Error()}
		return e, nil
	}
	return q.explain(ctx, s)
}

// Input is the input document that policy is asked about a tools/call: as it is
// asked first, or with the facts if there is who reads them. Problems are look-ups
// that failed.
func (x *Explainer) Input(ctx context.Context, tool string, arguments json.RawMessage) (input authz.Request, problems []string, err error) {
	message, refused, err := read(tool, arguments)
	if err != nil {
		return input, nil, err
	}
	s, err := x.situation()
	if err != nil {
		return input, nil, err
	}
	var resolution *catalog.Resolution
	if refused == nil {
		resolution, refused = x.Catalog.Resolve(s.caller.Env, tool, message.Arguments)
	}
	if refused != nil {
		_, detail := mcp.Class(refused)
		return input, nil, fmt.Errorf("policy is not asked about this call: %s", detail)
	}
	gate := mcp.Gate{Caller: s.caller, Catalog: x.Catalog}
	input = gate.Request(message, resolution)
	input.Accesses, problems = s.Fill(ctx, append([]authz.Access{}, input.Accesses...)) // [], not null
	return input.WithSummary(), problems, nil
}

// read makes the message that a client would send and reads it as the proxy
// does; refused is what the proxy would find wrong with it.
func read(tool string, arguments json.RawMessage) (m *wire.Message, refused, err error) {
	if len(strings.TrimSpace(string(arguments))) == 0 {
		arguments = json.RawMessage("{}")
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(arguments, &object); err != nil || object == nil {
		return nil, nil, fmt.Errorf("%w; write it as in '{\"api_operation\": \"ListClusters\"}'", ErrArguments)
	}
	name, err := json.Marshal(tool)
	if err != nil {
		return nil, nil, err
	}
	one := strings.NewReplacer("\n", " ", "\r", " ").Replace(string(arguments)) // a message is one line
	line := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%s,"arguments":%s}}`, name, one)
	m, refused = wire.ReadClient([]byte(line), wire.Limits{})
	return m, refused, nil
}

// situation is the one that the call is in.
func (x *Explainer) situation() (situation, error) {
	caller, ok := x.Callers[x.Persona]
	if !ok {
		return situation{}, fmt.Errorf("explain call: no persona is named %q", x.Persona)
	}
	s := situation{caller: caller, personas: x.Personas, facts: x.Facts}
	if x.Tags != nil {
		s.facts = assumed(x.Tags)
	}
	return s, nil
}

// assumed is a reader of facts that were given.
type assumed map[string]string

func (t assumed) Fill(_ context.Context, accesses []authz.Access) ([]authz.Access, []string) {
	return facts.Assume(accesses, t), nil
}

func (assumed) Forget() {}

// ask puts the call to the gate in a situation, once in each.
func (q *inquiry) ask(ctx context.Context, s situation) (judged, error) {
	key := s.key()
	if j, ok := q.asked[key]; ok {
		return j, nil
	}
	j, err := q.put(ctx, s)
	if err == nil {
		q.asked[key] = j
	}
	return j, err
}

func (q *inquiry) put(ctx context.Context, s situation) (judged, error) {
	gate, err := q.gate(ctx, s)
	if err != nil {
		return judged{}, err
	}
	j := judged{situation: s, resolution: q.recorded}
	if j.resolution == nil {
		if j.resolution, j.hidden, err = gate.Resolve(ctx, q.message); err != nil {
			return j, err
		}
	}
	j.resolution = s.adjusted(j.resolution)
	if j.preview, err = gate.Preview(ctx, q.message, j.resolution); err != nil {
		return j, err
	}
	if j.preview.Decision.Allow {
		o := j.preview.Order
		j.policy, j.lend = grant.Compile(o.Items, o.Region, q.until(j), o.Denies...)
	}
	return j, nil
}

// until is when AWS would end the grant if the call were made now.
func (q *inquiry) until(j judged) time.Time {
	timeout := j.resolution.Timeout
	if timeout <= 0 {
		timeout = q.Timeout
	}
	end := timeout + grant.Margin
	if j.preview.Order.Reusable {
		end = max(end, grant.ReuseWindow)
	}
	return q.Now().Add(end)
}

// gate is the one of the situation's caller and policy. It is kept, because it
// remembers which tools are listed, which takes longer than a decision.
func (q *inquiry) gate(ctx context.Context, s situation) (*mcp.Gate, error) {
	decider, err := q.decider(ctx, s)
	if err != nil {
		return nil, err
	}
	key := s.caller.Persona + "\x00" + s.id
	g, ok := q.gates[key]
	if !ok {
		g = &mcp.Gate{Caller: s.caller, Catalog: q.Catalog, NoReuse: q.NoReuse,
			Policy: func(context.Context) (mcp.Decider, error) { return decider, nil }}
		q.gates[key] = g
	}
	g.Facts = s
	return g, nil
}

// maxCompiles bounds how many policies are compiled in search of a suggestion.
const maxCompiles = 60

var errEnough = errors.New("searched long enough")

// decider compiles policy of the situation's personas, once for each.
func (q *inquiry) decider(ctx context.Context, s situation) (mcp.Decider, error) {
	if d, ok := q.compiled[s.id]; ok {
		return d, nil
	}
	if q.compiles++; q.compiles > maxCompiles {
		return nil, errEnough
	}
	d, err := q.Compile(ctx, s.personas)
	if err != nil {
		return nil, err
	}
	q.compiled[s.id] = d
	return d, nil
}

// explain puts the answer together.
func (q *inquiry) explain(ctx context.Context, s situation) (*Explanation, error) {
	e := q.blank(s)
	j, err := q.ask(ctx, s)
	if err != nil {
		e.resolved(j)
		return q.refused(e, err)
	}
	e.fill(j)
	e.Facts.Problems = j.preview.Problems
	switch {
	case j.allowed():
		e.Answer, e.Class = Allowed, "allowed"
	case j.preview.Decision.Allow && j.hidden:
		e.Answer, e.Class = Refused, "unknown-tool"
	case j.preview.Decision.Allow:
		e.Answer = Refused
		class, detail := mcp.Class(j.lend)
		e.Class, e.Because = class, []string{detail}
	default:
		e.Answer, e.Class = Refused, "policy"
	}
	lent, lentIf := j, ""
	if !j.preview.Decision.Allow {
		cases, err := q.cases(ctx, j, undecidedTags(j))
		if err != nil {
			return nil, err
		}
		e.Outcomes = outcomes(cases)
		if i := slices.IndexFunc(e.Outcomes, func(o Outcome) bool { return o.Allow }); i >= 0 && len(e.Outcomes) > 1 {
			e.Answer = Depends
			first := cases[slices.IndexFunc(cases, func(c tagCase) bool { return c.allowed() })]
			lent, lentIf = first.judged, first.exactly()
		}
		if e.Suggestions, err = q.search(ctx, j, e.Answer == Depends); err != nil {
			return nil, err
		}
		e.note(q.untried)
	}
	e.Session = session(lent)
	e.Session.If = lentIf
	return e, nil
}

// refused words what the gate refuses before it asks policy.
func (q *inquiry) refused(e *Explanation, err error) (*Explanation, error) {
	if errors.Is(err, policy.ErrPolicy) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	class, detail := mcp.Class(err)
	e.Answer, e.Class, e.Because = Refused, class, []string{detail}
	e.Known = q.known(err)
	return e, nil
}
