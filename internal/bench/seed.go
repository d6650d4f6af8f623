package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

const account = "123456789012"

var (
	identity = []string{"read-only-monitoring", "troubleshooting", "deployment", "service-specific", "express-mode"}
	boundary = "region-and-production"
	fill     = map[string]string{"region": "us-east-1", "account": account, "partition": "aws", "cluster": "shop", "service": "web"}
)

// seed is one persona with the five example policies, their boundary and all the
// guardrails that are on by default.
func seed() (policy.Persona, error) {
	var p policy.Persona
	for _, name := range identity {
		d, err := policy.Builtin(name, fill)
		if err != nil {
			return p, err
		}
		p.Identity = append(p.Identity, d)
	}
	for layer, name := range map[*[]policy.Document]string{&p.Boundary: boundary, &p.MCP: "default"} {
		d, err := policy.Builtin(name, fill)
		if err != nil {
			return p, err
		}
		*layer = append(*layer, d)
	}
	return p, nil
}

// grown is the seed with more statements, which are about other resources: a
// tenth Deny, a tenth a wildcard action, a third a wildcard ARN, a third with a
// condition.
func grown(p policy.Persona, statements int) (policy.Persona, error) {
	const each = 100 // statements of a document
	p.Identity = append([]policy.Document(nil), p.Identity...)
	for first := 0; first < statements; first += each {
		var list []string
		for i := first; i < min(first+each, statements); i++ {
			effect, action, resource, condition := "Allow", "ecs:UpdateService", fmt.Sprintf("arn:aws:ecs:us-east-1:%s:service/team%d/web", account, i), ""
			if i%10 == 0 {
				effect = "Deny"
			}
			if i%10 == 5 {
				action = "ecs:Describe*"
			}
			if i%3 == 0 {
				resource = fmt.Sprintf("arn:aws:ecs:*:%s:service/team%d/*", account, i)
			}
			if i%3 == 1 {
				condition = `,"Condition":{"StringEquals":{"aws:ResourceTag/Environment":"staging"}}`
			}
			list = append(list, fmt.Sprintf(`{"Effect":%q,"Action":%q,"Resource":%q%s}`, effect, action, resource, condition))
		}
		d, err := policy.ReadDocument(fmt.Sprint("grown", first), []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(list, ",")+`]}`))
		if err != nil {
			return p, err
		}
		p.Identity = append(p.Identity, d)
	}
	return p, nil
}

// call is a request that a call of the shipped catalogue becomes, with its tags
// looked up.
func call(tool, arguments string) (authz.Request, error) {
	c, err := catalog.Builtin("awslabs.ecs-mcp-server")
	if err != nil {
		return authz.Request{}, err
	}
	r, err := c.Resolve(catalog.Env{Partition: "aws", Account: account, Region: "us-east-1"}, tool, json.RawMessage(arguments))
	if err != nil {
		return authz.Request{}, fmt.Errorf("resolve %s: %w", tool, err)
	}
	for i := range r.Accesses {
		a := &r.Accesses[i]
		if a.IsUnknown("aws:ResourceTag/Environment") {
			a.Context["aws:ResourceTag/Environment"] = authz.One("staging")
		}
	}
	return authz.Request{
		Principal: authz.Principal{ID: "alice", Kind: "os-user"}, Persona: "seed", Region: "us-east-1", Account: account,
		Call: authz.Call{Method: "tools/call", Server: c.Server(), Tool: r.Tool, Operation: r.Operation, Write: r.Write, Sensitive: r.Sensitive,
			EscapesScope: r.EscapesScope, LeavesCredentials: r.LeavesCredentials, Arguments: json.RawMessage(arguments)},
		Accesses: r.Accesses,
	}, nil
}

func operation(name, params string) (authz.Request, error) {
	return call("ecs_resource_management", fmt.Sprintf(`{"api_operation":%q,"api_params":%s}`, name, params))
}

// requests are eight calls in turn, as an agent makes them: five read, three write.
func requests() ([]authz.Request, error) {
	var all []authz.Request
	for _, c := range [][2]string{
		{"DescribeServices", `{"cluster":"shop","services":["web"]}`},
		{"ListTasks", `{"cluster":"shop","serviceName":"web"}`},
		{"DescribeTasks", `{"cluster":"shop","tasks":["0123456789abcdef"]}`},
		{"UpdateService", `{"cluster":"shop","service":"web","desiredCount":2}`},
		{"DescribeTaskDefinition", `{"taskDefinition":"web:1"}`},
		{"StopTask", `{"cluster":"shop","task":"0123456789abcdef"}`},
		{"ListServices", `{"cluster":"shop"}`},
		{"DeleteService", `{"cluster":"shop","service":"old"}`},
	} {
		r, err := operation(c[0], c[1])
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// manyAccesses is a read of twenty services, each an access of its own.
func manyAccesses() (authz.Request, error) {
	r, err := operation("DescribeServices", `{"cluster":"shop","services":["web"]}`)
	if err != nil {
		return r, err
	}
	one := r.Accesses
	r.Accesses = nil
	for i := range 20 {
		for _, a := range one {
			a.Resource = strings.ReplaceAll(a.Resource, "/web", fmt.Sprint("/web", i))
			r.Accesses = append(r.Accesses, a)
		}
	}
	if len(r.Accesses) != 20 {
		err = fmt.Errorf("twenty services are %d accesses", len(r.Accesses))
	}
	return r, err
}
