package mcp

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// How often a client's user is asked. An agent that asks until the user says yes to
// be left alone has no consent.
const (
	declinedFor    = 30 * time.Second // between a no and the same question
	maxUnagreed    = 10               // questions without a yes, for one caller,
	unagreedWithin = time.Minute
)

// callOf is a call as far as its user is concerned, in whatever spelling.
type callOf struct{ caller, call digest }

// patience is what the users of a proxy's clients were asked and did not agree to.
type patience struct {
	declined memory[callOf, struct{}]
	asked    memory[digest, *int] // by caller: how often, without what was agreed to
}

type digest = [sha256.Size]byte

// callOf returns what a user is asked about: the order of arguments, white space, and
// how numbers and texts are spelled do not make another call.
func (g *Gate) callOf(m *wire.Message) callOf {
	arguments := jsontext.Value(bytes.Clone(m.Arguments))
	_ = arguments.Canonicalize() // what has no canonical form is as it is
	return callOf{g.termsOf(m, judgement{}).caller, g.Consents.digest(m.Method, g.Catalog.Server(), m.Name, hash(arguments))}
}

// ask notes a question to the user, unless it is one too many: then it says why.
func (c *Consents) ask(about callOf) (why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if why := c.no(about); why != "" {
		return why
	}
	n, ok := c.asked.get(about.caller)
	if !ok {
		n = new(int)
		c.asked.put(about.caller, n, time.Now().Add(unagreedWithin))
	}
	if *n >= maxUnagreed {
		return fmt.Sprintf("the user was asked %d times within %s without agreeing", maxUnagreed, unagreedWithin)
	}
	*n++
	return ""
}

// no is why a call is not asked about that the user did not agree to just now; the
// caller holds the lock.
func (c *Consents) no(about callOf) (why string) {
	if _, no := c.declined.get(about); no {
		return fmt.Sprintf("the user was asked about this very call less than %s ago and did not agree", declinedFor)
	}
	return ""
}

// answered notes what came of a question, and says why a yes does not count: of
// questions about the same call at the same time one had a no.
func (c *Consents) answered(about callOf, a *audit.Approval) (why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch a.Answer {
	case audit.AnswerAccept:
		if why := c.no(about); why != "" {
			return why
		}
		if n, ok := c.asked.get(about.caller); ok && *n > 0 {
			*n--
		}
	case audit.AnswerDecline, audit.AnswerCancel:
		c.declined.put(about, struct{}{}, time.Now().Add(declinedFor))
	}
	return ""
}
