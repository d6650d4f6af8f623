package mcp

import "time"

// The stages of a call that are timed.
const (
	StageDecide   = "decide"   // policy is asked, once or twice
	StageFacts    = "facts"    // tags, roles and revisions are looked up
	StageConfirm  = "confirm"  // the client's user is asked, and the answer awaited
	StageWait     = "wait"     // for a lane, and for its server to be ready
	StageGrant    = "grant"    // credentials are minted, or a living grant is found
	StageUpstream = "upstream" // the server has the call
)

// Stages are all of them, in their order.
var Stages = []string{StageDecide, StageFacts, StageConfirm, StageWait, StageGrant, StageUpstream}

// Where a grant that was lent came from.
const (
	LentMinted  = "minted"
	LentReused  = "reused"
	LentRenewed = "renewed"
)

// Observer counts what a gate does. It is told classes, stages and personas, which
// are few, and nothing of the call itself. It must be safe for concurrent use.
type Observer interface {
	// Decided is told of each judged message: classAllowed, classAsked, or why not.
	Decided(class, persona string)
	// Answered is told how a call that was forwarded ended.
	Answered(class string)
	Stage(stage string, took time.Duration)
	Lent(from string)
	Panicked()
}

// unobserved is what a gate without an observer tells.
type unobserved struct{}

func (unobserved) Decided(_, _ string)         {}
func (unobserved) Answered(string)             {}
func (unobserved) Stage(string, time.Duration) {}
func (unobserved) Lent(string)                 {}
func (unobserved) Panicked()                   {}

func (g *Gate) observer() Observer {
	if g.Observe == nil {
		return unobserved{}
	}
	return g.Observe
}

// timed begins a stage; what it returns ends it.
func (g *Gate) timed(stage string) (end func()) {
	began := time.Now()
	return func() { g.observer().Stage(stage, time.Since(began)) }
}
