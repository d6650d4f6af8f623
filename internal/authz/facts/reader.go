package facts

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/awake"
)

// Clients are what the reader asks; all of them are needed.
type Clients struct {
	ECS            *ecs.Client
	CloudFormation *cloudformation.Client
	ECR            *ecr.Client
	Logs           *cloudwatchlogs.Client
}

// The bounds of the look-ups for one call. What is beyond them stays unknown.
const (
	maxTime     = 10 * time.Second
	maxRequests = 20
)

// maxCached bounds the cache; it is emptied when full.
const maxCached = 4096

// Reader reads tags and roles and keeps them for a short time. It is safe for concurrent use.
type Reader struct {
	clients Clients
	ttl     time.Duration

	mu    sync.Mutex
	cache map[string]entry // by ARN
	// writes counts Forget: an answer that was asked for before a write is not kept.
	writes int
}

type entry struct {
	answer
	at time.Time
}

// New returns a Reader that keeps an answer for ttl; 0 keeps none.
func New(clients Clients, ttl time.Duration) *Reader {
	return &Reader{clients: clients, ttl: ttl, cache: map[string]entry{}}
}

// Fill returns accesses with the tags that could be read put into Context and
// taken off Unknown: those of the resource, and those of the subject. An access on
// the latest revision of a family becomes one on that revision; one on the roles of
// a task definition becomes one on each of its roles, or none. Since the catalogue
// puts the latter at the end, the others keep their places.
//
// It never fails: what could not be read stays unknown. Notes are for the record:
// one sentence for each look-up that failed, one for each family that was found to
// be a revision, and one for each answer that was kept from before, with its age.
func (r *Reader) Fill(ctx context.Context, accesses []authz.Access) (filled []authz.Access, notes []string) {
	var wanted []target
	for _, a := range accesses {
		for _, w := range wants(a) {
			if !slices.Contains(wanted, w.target) {
				wanted = append(wanted, w.target)
			}
		}
	}
	if len(wanted) == 0 {
		return accesses, nil
	}
	ctx, cancel := awake.WithTimeout(ctx, maxTime)
	defer cancel()
	found, notes := r.read(ctx, wanted)
	for _, t := range wanted {
		if a, ok := found[t.arn]; ok && t.isFamily() {
			notes = append(notes, fmt.Sprintf("%s is %s", t.arn, a.definition.arn))
		}
	}
	for _, a := range accesses {
		settled := fill(a, found)
		for _, s := range settled {
			if a, ok := found[s.Subject]; ok && s.Unsettled() {
				notes = append(notes, fmt.Sprintf("%s has a role that is none of its account", a.definition.arn))
			}
		}
		filled = append(filled, settled...)
	}
	return filled, notes
}

// read answers from the cache and looks the rest up, in as few requests as AWS allows.
func (r *Reader) read(ctx context.Context, wanted []target) (answers, []string) {
	known := answers{}
	var notes []string
	var groups []group // in the order of the accesses
	missing := map[group][]string{}
	r.mu.Lock()
	for _, t := range wanted {
		if e, ok := r.cache[t.arn]; ok && time.Since(e.at) < r.ttl {
			known[t.arn] = e.answer
			notes = append(notes, fmt.Sprintf("%s of %s are %.1f s old", t.kind.facts(), t.arn, time.Since(e.at).Seconds()))
			continue
		}
		if missing[t.group] == nil {
			groups = append(groups, t.group)
		}
		missing[t.group] = append(missing[t.group], t.arn)
	}
	writes := r.writes
	r.mu.Unlock()
	requests := 0
	for _, g := range groups {
		how := lookups[g.kind]
		for batch := range slices.Chunk(missing[g], how.batch) {
			if requests++; requests > maxRequests {
				notes = append(notes, fmt.Sprintf("look up %s of %s: one call looks up at most %d times", g.kind.facts(), some(batch), maxRequests))
				continue
			}
			found := answers{}
			if err := how.read(ctx, r.clients, g, batch, found); err != nil {
				notes = append(notes, fmt.Sprintf("look up %s of %s: %s", g.kind.facts(), some(batch), Reason(err)))
				continue
			}
			for _, arn := range batch {
				if a, ok := found[arn]; ok {
					known[arn] = a
					r.keep(arn, a, writes)
				} else {
					notes = append(notes, fmt.Sprintf("look up %s: %s %s was not found", g.kind.facts(), g.kind, arn))
				}
			}
		}
	}
	return known, notes
}

// some names a batch.
func some(arns []string) string {
	if len(arns) == 1 {
		return arns[0]
	}
	return fmt.Sprintf("%s and %d more", arns[0], len(arns)-1)
}

// keep remembers an answer to what was asked; ARNs have their account and region,
// so it is taken for no other.
func (r *Reader) keep(arn string, a answer, writes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ttl <= 0 || writes != r.writes {
		return
	}
	if len(r.cache) >= maxCached {
		clear(r.cache)
	}
	r.cache[arn] = entry{a, time.Now()}
}

// Forget drops every cached answer: after a write, tags may have changed.
func (r *Reader) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.cache)
	r.writes++
}
