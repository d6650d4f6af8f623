package mcp

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// shadowReminder is how often shadow mode says that it is on.
const shadowReminder = time.Minute

// Shadow is shadow mode: policy's verdict is put on record and not carried out.
// Everything else refuses as ever, and a call still gets no more credentials than
// its own accesses. A nil Shadow is the mode enforce. It may serve several gates.
type Shadow struct {
	letThrough atomic.Int64
}

// LetThrough is how many calls went ahead that enforce would have refused.
func (s *Shadow) LetThrough() int64 { return s.letThrough.Load() }

// Announce says that shadow mode is on, at once and every minute, until the
// context is done: nobody should believe for long that policy protects anything.
func (s *Shadow) Announce(ctx context.Context, say func(text string)) {
	say("shadow mode: policy refuses nothing; calls that it denies are let through and put on record")
	ticker := time.NewTicker(shadowReminder)
	defer ticker.Stop()
	before := int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			now := s.LetThrough()
			say(fmt.Sprintf("shadow mode: policy refuses nothing; %d calls were let through that mode enforce would have refused, %d of them in the last minute", now, now-before))
			before = now
		}
	}
}

// unaskable are the denies about the question itself, not about what was
// asked: there is no verdict to relax.
var unaskable = []string{"no_persona", "no_access"}

// passes reports whether a denied call goes ahead.
func (s *Shadow) passes(r authz.Request, d authz.Decision) bool {
	return s != nil && len(r.Accesses) > 0 && len(d.Accesses) == len(r.Accesses) &&
		!slices.ContainsFunc(d.Denies, func(deny authz.Reason) bool { return slices.Contains(unaskable, deny.Code) })
}
