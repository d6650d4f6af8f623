package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/facts"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

// identify says who calls and what configuration lets them be.
func identify(cfg *config.Config) (mcp.Caller, error) {
	principal, err := authz.OSUser()
	if err != nil {
		return mcp.Caller{}, err
	}
	return callerOf(cfg, principal)
}

// termsOf is what is sent with each AssumeRole of a persona.
func termsOf(cfg *config.Config, persona string) grant.Terms {
	p := cfg.Personas[persona]
	return grant.Terms{ExternalID: p.ExternalID, PassTags: p.SessionTags.Pass, SetTags: p.SessionTags.Set, Transitive: p.Transitive,
		InheritIdentity: cfg.AWS.SourceIdentity == config.SourceInherit}
}

// loadPersonas reads every persona's documents; all mistakes are in one error.
func loadPersonas(cfg *config.Config) (map[string]policy.Persona, error) {
	personas := map[string]policy.Persona{}
	var problems []error
	for name, p := range cfg.Personas {
		values := map[string]string{"region": cfg.AWS.Region, "account": config.Account(p.Role), "partition": config.Partition(p.Role)}
		for k, v := range p.Values {
			values[k] = v
		}
		load := func(kind string, names []string) (documents []policy.Document) {
			for _, document := range names {
				d, err := loadDocument(document, values)
				if err != nil {
					problems = append(problems, fmt.Errorf("personas.%s.%s: %w", name, kind, err))
					continue
				}
				// A boundary allows everything but what it denies: as an identity policy it would be an administrator's.
				if d.Layer != "" && d.Layer != kind {
					problems = append(problems, fmt.Errorf("personas.%s.%s: %s is a document for %s; name it there", name, kind, document, d.Layer))
				}
				documents = append(documents, d)
			}
			return documents
		}
		personas[name] = policy.Persona{Identity: load("identity", p.Identity), Boundary: load("boundary", p.Boundary), MCP: load("mcp", p.MCP),
			Guardrails: p.Guardrails}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w: %w", config.ErrConfig, errors.Join(problems...))
	}
	return personas, nil
}

func loadDocument(name string, values map[string]string) (policy.Document, error) {
	if !config.IsPath(name) {
		return policy.Builtin(name, values)
	}
	return policy.ReadFile(name)
}

// loadCatalog finds the server's profile among the configured files and the built-in ones.
func loadCatalog(cfg *config.Config) (*catalog.Catalog, error) {
	known, err := findCatalog(cfg)
	if err != nil {
		return nil, err
	}
	return known, checkDelivery(cfg, known)
}

// findCatalog is loadCatalog, however credentials are delivered.
func findCatalog(cfg *config.Config) (*catalog.Catalog, error) {
	for _, path := range cfg.Catalogs {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%w: read catalogue: %w", config.ErrConfig, err)
		}
		c, err := catalog.Read(path, b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", config.ErrConfig, err)
		}
		if c.Server() == cfg.Upstream.Server {
			return c, nil
		}
	}
	c, err := catalog.Builtin(cfg.Upstream.Server)
	if err != nil {
		return nil, fmt.Errorf("%w: upstream.server: %w", config.ErrConfig, err)
	}
	return c, nil
}

// clients are the proxy's own ways to AWS: one lends, one looks facts up.
type clients struct {
	sts   *sts.Client
	watch *stsWatch
	facts facts.Clients
	base  aws.CredentialsProvider
}

// check looks for the proxy's own credentials, so that their lack is said at
// the start and not only when the first call is refused.
func (c *clients) check(ctx context.Context, log *zap.Logger) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := c.base.Retrieve(ctx); err != nil && ctx.Err() == nil {
		log.Warn("the proxy has no AWS credentials of its own, so every call that needs AWS will be refused; " + grant.BaseHint)
	}
}

// dial prepares the clients; nothing is sent yet. Region and endpoint are the
// configuration's whatever the environment or a profile says: only the base
// credentials come from the SDK's default chain.
func dial(ctx context.Context, cfg *config.Config) (*clients, error) {
	loaded, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(cfg.AWS.Region), awsconfig.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	var endpoint *string
	if cfg.AWS.Endpoint != "" {
		endpoint = aws.String(cfg.AWS.Endpoint)
	}
	watch := new(stsWatch)
	c := &clients{base: loaded.Credentials, watch: watch, sts: sts.NewFromConfig(loaded, func(o *sts.Options) {
		o.BaseEndpoint = endpoint
		o.APIOptions = append(o.APIOptions, watch.add)
		if client, ok := o.HTTPClient.(*awshttp.BuildableClient); ok {
			o.HTTPClient = client.WithTimeout(stsTimeout)
		}
	})}
	watch.client = c.sts
	if cfg.Facts.Role != "" {
		loaded.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(c.sts, cfg.Facts.Role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName, o.Duration = "ecsmcp-facts", 15*time.Minute
			o.Policy = aws.String(factsPolicy(cfg.AWS.Region))
		}))
	}
	c.facts = facts.Clients{
		ECS:            ecs.NewFromConfig(loaded, func(o *ecs.Options) { o.BaseEndpoint = endpoint }),
		CloudFormation: cloudformation.NewFromConfig(loaded, func(o *cloudformation.Options) { o.BaseEndpoint = endpoint }),
		ECR:            ecr.NewFromConfig(loaded, func(o *ecr.Options) { o.BaseEndpoint = endpoint }),
		Logs:           cloudwatchlogs.NewFromConfig(loaded, func(o *cloudwatchlogs.Options) { o.BaseEndpoint = endpoint }),
	}
	return c, nil
}

// stsTimeout bounds one request to STS, so that one that is lost on the way
// does not use up the call's time and is sent again.
const stsTimeout = 10 * time.Second

// factsPolicy bounds the proxy's own look-ups, whatever its role could do more.
func factsPolicy(region string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["%s"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":%q}}}]}`,
		strings.Join(facts.Actions(), `","`), region)
}

// newFacts returns the reader of resource tags.
func newFacts(cfg *config.Config, c *clients) *facts.Reader {
	return facts.New(c.facts, cfg.Facts.TTL.D())
}

// newPins are what the server's tools are held to.
func newPins(cfg *config.Config, known *catalog.Catalog) (*mcp.ToolPins, error) {
	if cfg.Upstream.Lock == "" {
		return mcp.NewToolPins(), nil
	}
	pins, err := mcp.ReadToolLock(cfg.Upstream.Lock, known.Server())
	if err != nil {
		return nil, fmt.Errorf("%w: upstream.lock: %w", config.ErrConfig, err)
	}
	return pins, nil
}

// newConsents asks the clients' users where policy obliges to that.
func newConsents(cfg *config.Config) (*mcp.Consents, error) {
	key, err := cfg.Confirm.Key()
	if err != nil {
		return nil, fmt.Errorf("confirm.key_file: %w", err)
	}
	return mcp.NewConsents(key, cfg.Confirm.Timeout.D()), nil
}
