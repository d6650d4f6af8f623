package iam

import (
	"flag"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// What the index leaves out must name no resource: a Deny that it forgot would
// allow.
func TestIndexLeavesOutNothingThatMayMatch(t *testing.T) {
	met := 0
	flag.Set("rapid.checks", "2000") // cheap, and what is left out is seldom asked about
	rapid.Check(t, func(t *rapid.T) {
		part := func(label string, words ...string) string { return rapid.SampledFrom(words).Draw(t, label) }
		var statements []any
		for range rapid.IntRange(fewStatements+1, 3*fewStatements).Draw(t, "statements") {
			element := part("element", "Resource", "Resource", "Resource", "NotResource")
			pattern := part("whole", "", "", "", "", "*", "arn:*", "arn:aws:ecs:*", "arn:aws:ecs:*:*:*")
			if pattern == "" {
				pattern = fmt.Sprintf("arn:%s:%s:%s:%s:%s", part("partition", "aws", "*", "a?s"), part("service", "ecs", "*", "e*"),
					part("region", "us-east-1", "*", "us-*", "${aws:RequestedRegion}"), part("account", "1", "*", "${aws:PrincipalTag/account, '1'}"),
					part("name", "service/shop/web", "service/shop/*", "service/*/web", "*/web", "cluster/shop", "service/${aws:PrincipalTag/team}/web",
						"${aws:PrincipalTag/team}", "service/shop/we?", "service/shop/web:1", "service/shop/a${*}b", "service/shop/\ue000"))
			}
			statements = append(statements, map[string]any{"Effect": "Allow", "Action": "ecs:*", element: pattern})
		}
		p, err := New(map[string]any{"identity": []any{map[string]any{"name": "d",
			"document": map[string]any{"Version": part("version", "2012-10-17", "2012-10-17", "2008-10-17"), "Statement": statements}}}})
		if err != nil {
			t.Fatal(err)
		}
		access := authz.Access{Action: "ecs:UpdateService", Context: map[string]authz.Value{"aws:RequestedRegion": authz.One(part("requested", "us-east-1", "us:east"))},
			Resource: part("resource", "*", "arn:aws:ecs:us-east-1:1:service/shop/web", "arn:aws:ecs:eu-west-1:1:service/shop/web", "arn:aws:ecs:us-east-1:1:cluster/shop",
				"arn:aws:ecs:us-east-1:1:service/shop/*", "arn:aws:ecs:us-east-1:1:service/shop/web:1", "arn:aws:ecs::1:service/shop/web", "arn:aws:ecs:us-east-1", "shop", "")}
		if team := part("team", "", "shop", "service/shop/web", "a:b", "*"); team != "" {
			access.Context["aws:PrincipalTag/team"] = authz.One(team)
		} else if rapid.Bool().Draw(t, "unknown") {
			access.Unknown = []string{"aws:PrincipalTag/*"}
		}
		if rapid.Bool().Draw(t, "unsettled") {
			access.Unknown = append(access.Unknown, authz.LatestRevision)
		}
		var env environment
		if err := env.fill(access); err != nil {
			t.Fatal(err)
		}
		c := p.layers[0].candidates("ecs", "updateservice")
		if c.prefixes == nil {
			t.Fatal("nothing is indexed")
		}
		about := c.about(&env, nil)
		for _, s := range c.all {
			named, unknown := s.namesResource(&env)
			if (named || len(unknown) > 0) && !slices.Contains(about, s) {
				t.Fatalf("the index leaves out statement %s, %v, for %q", s.id, statements[s.order], access.Resource)
			}
			if named && len(about) < len(c.all) {
				met++
			}
		}
	})
	if met < 20 {
		t.Errorf("only %d matches were found by an index that left something out", met)
	}
}
