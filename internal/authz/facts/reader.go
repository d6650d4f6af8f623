package facts

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// Clients are what the reader asks; all of them are needed.
type Clients struct {
	ECS            *ecs.Client
	CloudFormation *cloudformation.Client
	ECR            *ecr.Client
}

// The bounds of the look-ups for one call. What is beyond them stays unknown.
const (
	maxTime     = 10 * time.Second
	maxRequests = 20
)

// maxCached bounds the cache; it is emptied when full.
const maxCached = 4096

// Reader reads tags and keeps them for a short time. It is safe for concurrent use.
type Reader struct {
	clients Clients
	ttl     time.Duration

	mu    sync.Mutex
	cache map[string]entry // by ARN
	// writes counts Forget: an answer that was asked for before a write is not kept.
	writes int
}

type entry struct {
	tags map[string]string
	at   time.Time
}

// New returns a Reader that keeps an answer for ttl; 0 keeps none.
func New(clients Clients, ttl time.Duration) *Reader {
	return &Reader{clients: clients, ttl: ttl, cache: map[string]entry{}}
}

// Fill returns accesses with the tags that could be read put into Context and
// taken off Unknown: those of the resource, and those of the subject. It never
// fails: what could not be read stays unknown. Notes are for the record: one
// sentence for each look-up that failed, and one for each answer that was kept
// from before, with its age.
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
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	tags, notes := r.read(ctx, wanted)
	filled = slices.Clone(accesses)
	for i, a := range filled {
		for _, w := range wants(a) {
			if found, ok := tags[w.arn]; ok {
				filled[i] = withTags(filled[i], w.prefixes, found)
			}
		}
	}
	return filled, notes
}

// read answers from the cache and looks the rest up, in as few requests as AWS allows.
func (r *Reader) read(ctx context.Context, wanted []target) (tagsByARN, []string) {
	tags := tagsByARN{}
	var notes []string
	var groups []group // in the order of the accesses
	missing := map[group][]string{}
	r.mu.Lock()
	for _, t := range wanted {
		if e, ok := r.cache[t.arn]; ok && time.Since(e.at) < r.ttl {
			tags[t.arn] = e.tags
			notes = append(notes, fmt.Sprintf("tags of %s are %.1f s old", t.arn, time.Since(e.at).Seconds()))
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
				notes = append(notes, fmt.Sprintf("look up tags of %s: one call looks up at most %d times", some(batch), maxRequests))
				continue
			}
			found := tagsByARN{}
			if err := how.read(ctx, r.clients, g, batch, found); err != nil {
				notes = append(notes, fmt.Sprintf("look up tags of %s: %s", some(batch), reason(err)))
				continue
			}
			r.keep(found, writes)
			for _, arn := range batch {
				if t, ok := found[arn]; ok {
					tags[arn] = t
				} else {
					notes = append(notes, fmt.Sprintf("look up tags: %s %s was not found", g.kind, arn))
				}
			}
		}
	}
	return tags, notes
}

// some names a batch.
func some(arns []string) string {
	if len(arns) == 1 {
		return arns[0]
	}
	return fmt.Sprintf("%s and %d more", arns[0], len(arns)-1)
}

func (r *Reader) keep(found tagsByARN, writes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ttl <= 0 || writes != r.writes {
		return
	}
	if len(r.cache)+len(found) > maxCached {
		clear(r.cache)
	}
	for arn, tags := range found {
		r.cache[arn] = entry{tags, time.Now()}
	}
}

// Forget drops every cached answer: after a write, tags may have changed.
func (r *Reader) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.cache)
	r.writes++
}
