package mcp

import "time"

// The stages of a call that are timed.
const (
	StageCatalogue = "catalogue" // what the call would do is worked out
	StageDecide    = "decide"    // policy is asked, once or twice
	StageFacts     = "facts"     // tags, roles and revisions are looked up
	StageConfirm   = "confirm"   // the client's user is asked, and the answer awaited
	StageWait      = "wait"      // for a lane, and for its server to be ready
	StageGrant     = "grant"     // credentials are minted, or a living grant is found
	StageRecord    = "record"    // the decision is put on record
	StageLease     = "lease"     // the lane may draw the credentials
	StageUpstream  = "upstream"  // the server has the call
	StageAnswer    = "answer"    // its answer is looked through, and the outcome put on record
)

// Stages are all of them, in their order.
var Stages = []string{StageCatalogue, StageDecide, StageFacts, StageConfirm, StageWait, StageGrant, StageRecord, StageLease, StageUpstream, StageAnswer}

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
