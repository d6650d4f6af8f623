package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/facts"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

func sortedPersonas(cfg *config.Config) []string { return slices.Sorted(maps.Keys(cfg.Personas)) }

// checkPolicy compiles what would decide.
func checkPolicy(ctx context.Context, cfg *config.Config, file string) finding {
	policies, err := newPolicySet(cfg)
	if err != nil {
		return finding{err: toDo(err, "correct the configuration")}
	}
	engine, err := policies.compileLocal(ctx)
	if err != nil {
		return finding{err: toDo(err, "ecs-mcp-proxy policy check --config %s says more", quote(file))}
	}
	if warnings := engine.Warnings(); len(warnings) > 0 {
		return finding{warning: strings.Join(warnings, "; ")}
	}
	return finding{well: "revision " + engine.Revision()}
}

// checkBase asks AWS who the proxy itself is.
func checkBase(ctx context.Context, cfg *config.Config) (*clients, finding) {
	c, err := dial(ctx, cfg)
	if err != nil {
		return nil, finding{err: toDo(err, "look at AWS_PROFILE, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE")}
	}
	return c, c.identity(ctx)
}

// identity is who the proxy itself is at AWS.
func (c *clients) identity(ctx context.Context) finding {
	who, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		if _, missing := c.base.Retrieve(ctx); missing != nil {
			return finding{err: toDo(errors.New("the proxy has no AWS credentials of its own"), "%s", grant.BaseHint)}
		}
		return finding{err: unanswered(err)}
	}
	return finding{well: aws.ToString(who.Arn)}
}

// unanswered says whether AWS took the proxy's credentials, or was never asked.
func unanswered(err error) error {
	if unsent := new(net.OpError); errors.As(err, &unsent) {
		return toDo(fmt.Errorf("AWS cannot be reached: %w", unsent), "check the network, aws.region, and aws.endpoint if it is set")
	}
	return toDo(errors.New("AWS does not answer to them: "+facts.Reason(err)), "renew them, and check the network and aws.region")
}

// checkRole assumes a persona's role as a call would, for nothing but to ask who
// one is.
func checkRole(ctx context.Context, cfg *config.Config, c *clients, persona string) finding {
	role := cfg.Personas[persona].Role
	order := grant.Order{DecisionID: audit.NewID(), Role: role, Region: cfg.AWS.Region, SourceIdentity: grant.SourceIdentity("doctor", persona),
		Tags:  map[string]string{"persona": persona, "server": cfg.Upstream.Server, "tool": "doctor"},
		Items: []grant.Item{{Access: authz.Access{Action: "sts:GetCallerIdentity", Resource: "*", Unscopable: true}}}, Deadline: time.Now().Add(time.Minute)}
	termsOf(cfg, persona).Add(&order, map[string]string{})
	lent, err := grant.NewBroker(c.sts).Mint(ctx, order)
	if err != nil {
		return finding{err: err} // says what to do itself
	}
	return finding{well: fmt.Sprintf("%s can be assumed, with source identity and session tags (%d %% of AWS's packed limit)", role, lent.PackedSize)}
}

// checkFacts looks something up that is not there: only a refusal matters.
func checkFacts(ctx context.Context, c *clients) finding {
	if _, err := c.facts.ECS.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{"ecs-mcp-proxy-doctor"}}); err != nil {
		return finding{err: toDo(errors.New("tags cannot be looked up: "+facts.Reason(err)), "allow the proxy's own identity, or facts.role: %s", strings.Join(facts.Actions(), ", "))}
	}
	return finding{well: "tags can be looked up (ecs:DescribeClusters is allowed)"}
}

// checkClock compares this machine's clock with AWS's.
func checkClock(ctx context.Context, c *clients) finding {
	who, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return finding{err: toDo(errors.New(facts.Reason(err)), "run doctor again: AWS answered a moment ago")}
	}
	at, ok := awsmiddleware.GetServerTime(who.ResultMetadata)
	if !ok {
		return finding{warning: "AWS's answer says no time"}
	}
	off := time.Since(at).Round(time.Second)
	if off.Abs() > 30*time.Second {
		return finding{warning: fmt.Sprintf("it is %s off; grants are written in AWS's time, but beyond 5 minutes AWS takes no signature: set it", off)}
	}
	return finding{well: "agrees with AWS's within 30 seconds"}
}

// checkAudit opens the record, which is needed before anything else is.
func checkAudit(cfg *config.Config) finding {
	key, err := auditKey(cfg.Audit.KeyFile)
	if err != nil {
		return finding{err: err} // says what to do itself
	}
	log, err := audit.OpenWithKey(cfg.Audit.File, key)
	if err != nil {
		return finding{err: toDo(err, "name a file that can be written as audit.file")}
	}
	if err := log.Close(); err != nil {
		return finding{err: err}
	}
	if key == nil {
		return finding{well: cfg.Audit.File}
	}
	return finding{well: cfg.Audit.File + ", signed"}
}
