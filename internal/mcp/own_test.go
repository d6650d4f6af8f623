package mcp

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	builtinrego "github.com/ecs-mcp-proxy/ecs-mcp-proxy/rego"
)

// ownPolicy makes the gate ask a policy of its own: one persona, "own", of the
// built-in mcp document and the documents given, and guardrails in Rego.
func ownPolicy(t *testing.T, identity, boundary, rego string) func(*Gate) {
	t.Helper()
	return func(g *Gate) {
		e := ownEngine(t, identity, boundary, rego)
		g.Caller.Persona = "own"
		g.Policy = func(context.Context) (Decider, error) { return e, nil }
	}
}

const allowAll = `{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*"}]}`

func ownEngine(t *testing.T, identity, boundary, rego string) *policy.Engine {
	t.Helper()
	builtin, err := policy.Builtin("default", map[string]string{"region": "us-east-1", "account": "123456789012", "partition": "aws"})
	check(t, err)
	persona := policy.Persona{MCP: []policy.Document{builtin}, Guardrails: policy.Guardrails{}}
	guardrails, err := fs.ReadDir(builtinrego.Files, "guardrails")
	check(t, err)
	for _, folder := range guardrails { // none may stand in for what is tested
		persona.Guardrails[folder.Name()] = "off"
	}
	for name, text := range map[string]string{"identity": identity, "boundary": boundary} {
		if text == "" {
			continue
		}
		d, err := policy.ReadDocument(name, []byte(text))
		check(t, err)
		if name == "boundary" {
			persona.Boundary = append(persona.Boundary, d)
		} else {
			persona.Identity = append(persona.Identity, d)
		}
	}
	var sources []policy.Source
	if rego != "" {
		path := filepath.Join(t.TempDir(), "own.rego")
		check(t, os.WriteFile(path, []byte(rego), 0o600))
		source, err := policy.ReadPaths(path)
		check(t, err)
		sources = append(sources, source)
	}
	e, err := policy.New(t.Context(), map[string]policy.Persona{"own": persona}, sources...)
	check(t, err)
	return e
}

const stagingService = "arn:aws:ecs:us-east-1:123456789012:service/staging/checkout"

var deleteStaging = `{"cluster":"staging","service":"checkout"}`

func (tb *table) deleteStaging() error {
	_, err := tb.asServer().DeleteService(tb.t.Context(), &ecs.DeleteServiceInput{Cluster: aws.String("staging"), Service: aws.String("checkout"), Force: aws.Bool(true)})
	return err
}

func (tb *table) updateStaging() error {
	_, err := tb.asServer().UpdateService(tb.t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("staging"), Service: aws.String("checkout"), DesiredCount: aws.Int32(2)})
	return err
}

func (tb *table) describeStaging() error {
	_, err := tb.asServer().DescribeServices(tb.t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("staging"), Services: []string{"checkout"}})
	return err
}
