package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/awake"
)

// betweenCalls is the pause in which a rogue server asks for credentials
// although no call is in progress.
const betweenCalls = 600 * time.Millisecond

// Run tells the story with the binary self and hands every step to show as
// soon as it is over. It reports whether every step ended as it should.
func Run(ctx context.Context, self string, show func(Step) error) (ok bool, err error) {
	w, err := newWorld()
	if err != nil {
		return false, err
	}
	defer w.close()
	t := &teller{world: w, self: self, observer: observer{world: w}, show: show, ok: true}
	for _, chapter := range []func(context.Context) error{t.reader, t.deployer, t.elsewhere, t.unreadable, t.rogue} {
		if err := chapter(ctx); err != nil {
			return false, err
		}
	}
	for _, violation := range w.aws.Violations() {
		t.ok = false
		if err := show(Step{Title: "AWS saw a violation", Problems: []string{violation}}); err != nil {
			return false, err
		}
	}
	return t.ok, nil
}

type teller struct {
	world    *world
	self     string
	observer observer
	show     func(Step) error
	ok       bool
}

// with opens a session for a chapter and closes it afterwards.
func (t *teller) with(ctx context.Context, o laneOptions, chapter func(*session) error) error {
	s, err := t.world.open(ctx, t.self, o)
	if err != nil {
		return err
	}
	defer s.client.Close()
	return chapter(s)
}

// manage makes one call of ecs_resource_management and checks what it left.
func (t *teller) manage(ctx context.Context, s *session, step Step, operation string, params map[string]any, check func(*Step)) error {
	return t.step(ctx, s, step, "ecs_resource_management", map[string]any{"api_operation": operation, "api_params": params}, check)
}

func (t *teller) step(ctx context.Context, s *session, step Step, tool string, arguments map[string]any, check func(*Step)) error {
	b, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	step.Call = tool + " " + string(b)
	got, err := s.call(ctx, tool, arguments)
	if err != nil {
		return fmt.Errorf("step %s: %w", step.Number, err)
	}
	step.Client = got.Text
	return t.tell(step, check)
}

func (t *teller) tell(step Step, check func(*Step)) error {
	if err := t.observer.fill(&step); err != nil {
		return fmt.Errorf("step %s: %w", step.Number, err)
	}
	check(&step)
	return t.note(step)
}

// note shows a step and remembers if it did not end as it should.
func (t *teller) note(step Step) error {
	step.OK = len(step.Problems) == 0
	t.ok = t.ok && step.OK
	return t.show(step)
}

// allowed: policy allowed it, a scoped session was minted, AWS did it.
func allowed(action string) func(*Step) {
	return func(s *Step) {
		_, done := s.reached(action)
		s.check(s.Decision == "allowed", "the call was not allowed: %s", s.Decision)
		s.check(s.Session != "" && s.PolicySize > 0, "no session was minted")
		s.check(done, "AWS did not do %s", action)
	}
}

// refused: the class is right, the client is told where to look, and no
// session of anyone reached AWS.
func refused(class, text string) func(*Step) {
	return func(s *Step) {
		s.check(s.Decision == class, "refused as %q, not %q", s.Decision, class)
		s.check(strings.Contains(s.Client, text), "the client was not told %q", text)
		s.check(s.DecisionID != "" && strings.Contains(s.Client, s.DecisionID), "the client was not told the decision id")
		for _, seen := range s.AWS {
			s.check(seen.By == "the proxy itself" && seen.Action != "sts:AssumeRole", "%s reached AWS", seen.Action)
		}
	}
}

func (t *teller) reader(ctx context.Context) error {
	return t.with(ctx, laneOptions{persona: "reader", region: region}, func(s *session) error {
		step := Step{Number: "1a", Title: "an allowed read", Persona: "reader", Region: region}
		if err := t.manage(ctx, s, step, "DescribeServices", map[string]any{"cluster": productionCluster, "services": []string{productionService}}, allowed("ecs:DescribeServices")); err != nil {
			return err
		}
		step = Step{Number: "1b", Title: "an allowed list", Persona: "reader", Region: region}
		return t.manage(ctx, s, step, "ListServices", map[string]any{"cluster": stagingCluster}, allowed("ecs:ListServices"))
	})
}

func (t *teller) deployer(ctx context.Context) error {
	return t.with(ctx, laneOptions{persona: "deployer", region: region}, func(s *session) error {
		step := Step{Number: "2", Title: "an allowed update of a staging service", Persona: "deployer", Region: region}
		if err := t.manage(ctx, s, step, "UpdateService", map[string]any{"cluster": stagingCluster, "service": stagingService, "desiredCount": 2}, func(s *Step) {
			allowed("ecs:UpdateService")(s)
		}); err != nil {
			return err
		}
		step = Step{Number: "3", Title: "delete a service tagged Environment=production", Persona: "deployer", Region: region}
		return t.manage(ctx, s, step, "DeleteService", map[string]any{"cluster": productionCluster, "service": productionService}, func(s *Step) {
			refused("policy", "ProductionProtection")(s)
			s.check(s.named("ProductionProtection"), "the deciding statement is %v", s.Statements)
			s.check(t.world.aws.HasService(productionCluster, productionService), "the production service is gone")
		})
	})
}

func (t *teller) elsewhere(ctx context.Context) error {
	const other = "eu-west-1"
	err := t.with(ctx, laneOptions{persona: "reader", region: region}, func(s *session) error {
		step := Step{Number: "4a", Title: "an ARN of another region, refused before policy", Persona: "reader", Region: region}
		return t.manage(ctx, s, step, "DescribeClusters", map[string]any{"clusters": []string{"arn:aws:ecs:" + other + ":123456789012:cluster/" + stagingCluster}},
			refused("argument", other))
	})
	if err != nil {
		return err
	}
	return t.with(ctx, laneOptions{persona: "reader", region: other}, func(s *session) error {
		step := Step{Number: "4b", Title: "a lane in another region", Persona: "reader", Region: other}
		return t.manage(ctx, s, step, "ListServices", map[string]any{"cluster": stagingCluster}, func(s *Step) {
			refused("policy", "RegionRestriction")(s)
			s.check(s.named("RegionRestriction"), "the deciding statement is %v", s.Statements)
		})
	})
}

func (t *teller) unreadable(ctx context.Context) error {
	o := laneOptions{persona: "reader", region: region}
	err := t.with(ctx, o, func(s *session) error {
		step := Step{Number: "5a", Title: "an unknown operation", Persona: "reader", Region: region}
		if err := t.manage(ctx, s, step, "DeleteEverything", nil, refused("argument", "DeleteEverything")); err != nil {
			return err
		}
		step = Step{Number: "5b", Title: "an unknown argument", Persona: "reader", Region: region}
		return t.manage(ctx, s, step, "DescribeServices", map[string]any{"Cluster": productionCluster, "services": []string{productionService}}, refused("argument", "Cluster"))
	})
	if err != nil {
		return err
	}
	step := Step{Number: "5c", Title: "one name for the proxy, another for the server", Persona: "reader", Region: region,
		Call: `{"name":"ecs_resource_management","Name":"containerize_app"}`}
	got, err := t.world.raw(ctx, t.self, o,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ecs_resource_management","Name":"containerize_app","arguments":{}}}`)
	if err != nil {
		return fmt.Errorf("step %s: %w", step.Number, err)
	}
	step.Client = got.Text
	return t.tell(step, func(s *Step) {
		s.check(s.Decision == "unreadable", "refused as %q", s.Decision)
		s.check(strings.Contains(s.Client, "Name"), "the client was not told which key")
		s.check(len(s.AWS) == 0, "AWS was asked")
	})
}

// clipLeft keeps the end of an SDK's error, where AWS speaks.
func clipLeft(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return "… " + string(r[len(r)-n:])
	}
	return s
}

// rogue: the server turns on its lender. AWS, not the proxy, stops it.
func (t *teller) rogue(ctx context.Context) error {
	return t.with(ctx, laneOptions{persona: "reader", region: region, rogue: true}, func(s *session) error {
		step := Step{Number: "6", Title: "the server tries DeleteCluster during an allowed read", Persona: "reader", Region: region}
		err := t.manage(ctx, s, step, "DescribeServices", map[string]any{"cluster": stagingCluster, "services": []string{stagingService}}, func(s *Step) {
			allowed("ecs:DescribeServices")(s)
			seen, done := s.reached("ecs:DeleteCluster")
			s.check(seen, "the server did not try, so nothing was shown")
			s.check(!done && t.world.aws.HasCluster(stagingCluster), "the cluster is gone")
			for _, r := range s.AWS {
				s.check(r.Action != "ecs:DeleteCluster" || strings.Contains(r.Reason, "session"), "AWS refused for another reason: %s", r.Reason)
			}
		})
		if err != nil {
			return err
		}
		pause, _ := awake.After(betweenCalls)
		<-pause
		t.world.aws.Advance(5 * time.Minute)
		step = Step{Number: "7", Title: "it draws credentials between calls, and uses kept keys later", Persona: "reader", Region: region}
		return t.step(ctx, s, step, "containerize_app", map[string]any{"app_path": "/srv/shop", "port": 8080}, func(s *Step) {
			var attempts map[string]string
			if err := json.Unmarshal([]byte(s.Client), &attempts); err != nil {
				s.check(false, "the server did not report: %v", err)
			}
			s.Client = ""
			for attempt, answer := range map[string]string{"draw credentials between calls": "no call is in progress",
				"draw credentials during a call that needs none": "no call is in progress", "use kept keys after the call's time was over": "AccessDenied"} {
				s.check(strings.Contains(attempts[attempt], answer), "%s: %q", attempt, attempts[attempt])
			}
			for _, attempt := range []string{"draw credentials between calls", "use kept keys after the call's time was over"} {
				s.Client += fmt.Sprintf("it tried to %s: %s\n", attempt, clipLeft(attempts[attempt], 110))
			}
			seen, done := s.reached("ecs:DescribeServices")
			s.check(seen && !done, "AWS did not refuse the kept keys")
			s.check(s.Session == "", "a session was minted for a call that needs none")
		})
	})
}
