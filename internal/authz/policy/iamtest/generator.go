package iamtest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// Generator draws cases.
type Generator struct {
	seed  uint64
	lacks map[Feature]bool
}

// New returns a generator of cases without the features that the evaluators lack.
func New(seed uint64, lacks ...Lacks) *Generator {
	g := &Generator{seed: seed, lacks: map[Feature]bool{}}
	for _, l := range lacks {
		for f := range l {
			g.lacks[f] = true
		}
	}
	return g
}

// Case draws the case of a number: always the same one for the same seed.
func (g *Generator) Case(number int) Case {
	d := &drawing{Rand: rand.New(rand.NewPCG(g.seed, uint64(number))), lacks: g.lacks}
	d.request = d.drawRequest()
	c := Case{ID: fmt.Sprintf("%d/%d", g.seed, number), Request: d.request}
	for range pick(d, 1, 1, 2) {
		c.Policies = append(c.Policies, d.document(26))
	}
	if d.percent(35) {
		for range pick(d, 1, 1, 2) {
			c.Boundary = append(c.Boundary, d.document(15))
		}
	}
	if d.percent(25) {
		c.Session = d.document(15)
	}
	return c
}

// drawing is one case being drawn. The request comes first, so that statements
// can be drawn to meet it.
type drawing struct {
	*rand.Rand
	lacks   map[Feature]bool
	request Request
}

func (d *drawing) percent(n int) bool { return d.IntN(100) < n }

func (d *drawing) can(f Feature) bool { return f == "" || !d.lacks[f] }

func pick[T any](d *drawing, from ...T) T { return from[d.IntN(len(from))] }

// word draws one of the words that the evaluators can judge.
func (d *drawing) word(from []word) string {
	for {
		if w := from[d.IntN(len(from))]; d.can(w.needs) {
			return w.text
		}
	}
}

func (d *drawing) drawRequest() Request {
	s := pick(d, services...)
	r := Request{Action: pick(d, s.actions...), Resource: pick(d, s.resources...), Context: map[string]authz.Value{}}
	if d.percent(5) {
		r.Resource = pick(d, pick(d, services...).resources...)
	}
	if d.percent(10) {
		r.Action = strings.ToLower(r.Action)
	}
	if d.can(WideResources) && d.percent(12) {
		r.Resource = pick(d, r.Resource[:strings.LastIndexAny(r.Resource, ":/*")]+"*", strings.Replace(r.Resource, "us-east-1", "*", 1), strings.Replace(r.Resource, "shop", "*", 1),
			strings.Replace(r.Resource, "e", "?", 1))
		if !strings.HasPrefix(r.Resource, "arn:") || strings.Count(r.Resource, ":") < 5 {
			r.Resource = "arn:aws:ecs:us-east-1:123456789012:service/*"
		}
		if d.can(UnknownKeys) && d.percent(40) {
			r.Unknown = append(r.Unknown, d.spelling(pick(d, authz.TaskRole, authz.LatestRevision)))
		}
	}
	for _, k := range keys {
		switch {
		case d.percent(60):
			r.Context[d.spelling(k.name)] = d.value(k)
		case d.can(UnknownKeys) && d.percent(25):
			r.Unknown = append(r.Unknown, d.spelling(k.name))
		}
	}
	if d.can(UnknownKeys) && d.percent(8) {
		r.Unknown = append(r.Unknown, pick(d, "aws:ResourceTag/*", "AWS:PrincipalTag/*", "ecs:*", "*"))
	}
	return r
}

// spelling: IAM compares names of keys without case.
func (d *drawing) spelling(name string) string {
	if d.percent(12) {
		return pick(d, strings.ToLower(name), strings.ToUpper(name))
	}
	return name
}

func (d *drawing) value(k key) authz.Value {
	multi := k.multi != d.percent(6)
	if !multi {
		return authz.One(d.requestWord(k))
	}
	v := authz.Many()
	least := 1
	if d.can(EmptySets) {
		least = 0
	}
	for range least + d.IntN(3) {
		v.Values = append(v.Values, d.requestWord(k))
	}
	return v
}

// requestWord: requests may also hold what no policy would compare with.
func (d *drawing) requestWord(k key) string {
	if d.can(Malformed) && d.percent(4) {
		return d.word(malformed)
	}
	return d.word(k.values())
}

// list makes one value or a list of values, as IAM takes both.
func (d *drawing) list(values []any) any {
	if len(values) == 1 && d.percent(50) {
		return values[0]
	}
	return values
}
