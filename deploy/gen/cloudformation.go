package main

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// The placeholders that CloudFormation fills by itself.
var pseudo = map[string]string{"account": "${AWS::AccountId}", "partition": "${AWS::Partition}"}

// cloudFormation writes the template of the roles.
// Source of the limits below: IAM User Guide, "IAM and AWS STS quotas".
func cloudFormation(m model) ([]byte, error) {
	template := object(
		"AWSTemplateFormatVersion", "2010-09-09",
		"Description", "Roles of ecs-mcp-proxy: its own, and one for each persona, bounded by "+m.boundary.name+".",
		"Parameters", parameters(m),
		"Rules", rules(m),
		"Conditions", conditions(m),
		"Resources", resources(m),
		"Outputs", outputs(m),
	)
	b, err := yaml.MarshalWithOptions(template, yaml.Indent(2), yaml.IndentSequence(true))
	if err != nil {
		return nil, err
	}
	return append([]byte(header), b...), nil
}

func parameters(m model) yaml.MapSlice {
	text := func(about, standard, pattern string) yaml.MapSlice {
		return object("Type", "String", "Description", about, "Default", standard, "AllowedPattern", pattern)
	}
	choice := func(about, standard string, choices ...any) yaml.MapSlice {
		return object("Type", "String", "Description", about, "Default", standard, "AllowedValues", choices)
	}
	all := object(
		"Prefix", text("what the roles' names begin with", "ecs-mcp-", "[A-Za-z0-9_+=,.@-]{1,30}"),
		"Runtime", choice("where the proxy runs", "ecs", "ecs", "eks-pod-identity", "eks-irsa"),
		"OidcProvider", text("for eks-irsa: the cluster's issuer without https://", "", "[A-Za-z0-9./-]*"),
		"Namespace", text("for EKS: the namespace of the proxy's service account", "ecs-mcp-proxy", "[a-z0-9-]+"),
		"ServiceAccount", text("for EKS: the proxy's service account", "ecs-mcp-proxy", "[a-z0-9.-]+"),
		"ExternalId", text("what the proxy must give as external id (personas.NAME.external_id); empty: nothing", "", `[A-Za-z0-9_+=,.@:/-]*`),
	)
	for _, p := range m.personas {
		standard := "no"
		// What changes nothing and asks for nothing; but a role for a server that few
		// have is not made unasked.
		if len(p.values) == 0 && p.name != "managed-server" {
			standard = "yes"
		}
		all = append(all, object(camel(p.name), choice("a role for the persona "+p.name+": "+p.about, standard, "yes", "no"))...)
	}
	for _, v := range m.parameters {
		pattern := "[A-Za-z0-9_+=,.@/-]*"
		if v.Wildcards {
			pattern = "[A-Za-z0-9_+=,.@/*?-]*"
		}
		one := text(v.About, v.Default, pattern)
		if v.Name == "region" { // of every role's boundary
			one = object("Type", "String", "Description", v.About, "AllowedPattern", "[a-z]{2}(-[a-z]+)+-[0-9]")
		}
		all = append(all, object(camel(v.Name), one)...)
	}
	return all
}

// rules refuse a persona whose parameters were left out.
func rules(m model) yaml.MapSlice {
	var all yaml.MapSlice
	for _, p := range m.personas {
		var asserts []any
		for _, v := range m.parameters {
			if v.Default == "" && v.Name != "region" && slices.Contains(p.values, v.Name) {
				asserts = append(asserts, object("Assert", object("Fn::Not", []any{equals(camel(v.Name), "")}), "AssertDescription", p.name+" needs "+camel(v.Name)))
			}
		}
		if asserts != nil {
			all = append(all, object(camel(p.name)+"IsWhole", object("RuleCondition", equals(camel(p.name), "yes"), "Assertions", asserts))...)
		}
	}
	return all
}

func ref(name string) yaml.MapSlice { return object("Ref", name) }
func when(condition string, yes, no any) yaml.MapSlice {
	return object("Fn::If", []any{condition, yes, no})
}
func equals(parameter string, value string) yaml.MapSlice {
	return object("Fn::Equals", []any{ref(parameter), value})
}

var nothing = ref("AWS::NoValue")

func conditions(m model) yaml.MapSlice {
	all := object(
		"OnPodIdentity", equals("Runtime", "eks-pod-identity"),
		"OnIrsa", equals("Runtime", "eks-irsa"),
		"HasExternalId", object("Fn::Not", []any{equals("ExternalId", "")}),
	)
	for _, p := range m.personas {
		all = append(all, object("With"+camel(p.name), equals(camel(p.name), "yes"))...)
	}
	return all
}

func resources(m model) yaml.MapSlice {
	all := object(
		"Boundary", object("Type", "AWS::IAM::ManagedPolicy", "Properties", object(
			"ManagedPolicyName", object("Fn::Sub", "${Prefix}"+m.boundary.name),
			"Description", m.boundary.about,
			"PolicyDocument", substituted(m.boundary.statements),
		)),
		"Proxy", object("Type", "AWS::IAM::Role", "Properties", object(
			"RoleName", object("Fn::Sub", "${Prefix}proxy"),
			"Description", "ecs-mcp-proxy itself: lends the personas' roles and looks up tags",
			"AssumeRolePolicyDocument", when("OnIrsa", object("Fn::Sub", irsaTrust), when("OnPodIdentity", podIdentityTrust(), ecsTrust())),
			"Policies", []any{object("PolicyName", "lend-and-look-up", "PolicyDocument", proxyPolicy(m))},
		)),
	)
	for _, p := range m.personas {
		all = append(all, object(camel(p.name)+"Role", object("Type", "AWS::IAM::Role", "Condition", "With"+camel(p.name), "Properties", object(
			"RoleName", object("Fn::Sub", "${Prefix}"+p.name),
			"Description", p.about,
			"AssumeRolePolicyDocument", personaTrust(p.name),
			"PermissionsBoundary", ref("Boundary"),
			"Policies", []any{object("PolicyName", p.name, "PolicyDocument", substituted(p.statements))},
		)))...)
	}
	return all
}

func outputs(m model) yaml.MapSlice {
	arn := func(about, resource string) yaml.MapSlice {
		return object("Description", about, "Value", object("Fn::GetAtt", []any{resource, "Arn"}))
	}
	all := object("ProxyRoleArn", arn("the role to run the proxy with", "Proxy"))
	for _, p := range m.personas {
		one := append(object("Condition", "With"+camel(p.name)), arn("personas."+p.name+".role", camel(p.name)+"Role")...)
		all = append(all, object(camel(p.name)+"RoleArn", one)...)
	}
	return all
}

func policyOf(statements ...any) yaml.MapSlice {
	return object("Version", "2012-10-17", "Statement", statements)
}

// proxyPolicy is all that the proxy may do: lend the roles there are, and what
// looking up tags needs.
func proxyPolicy(m model) yaml.MapSlice {
	var roles []any
	for _, p := range m.personas {
		roles = append(roles, when("With"+camel(p.name), object("Fn::Sub", "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Prefix}"+p.name), nothing))
	}
	return policyOf(
		object("Sid", "LendPersonas", "Effect", "Allow", "Action", lendActions, "Resource", roles),
		object("Sid", "LookUpTags", "Effect", "Allow", "Action", m.facts, "Resource", "*",
			"Condition", object("StringEquals", object("aws:RequestedRegion", ref("Region")))),
	)
}

var lendActions = []any{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}

// personaTrust lets the proxy's role in, and only with a source identity, the
// name of a call's session and the persona's tag. Each action of the three
// carries other keys, so that each has its own statement.
func personaTrust(persona string) yaml.MapSlice {
	proxy := object("AWS", object("Fn::GetAtt", []any{"Proxy", "Arn"}))
	tag := "aws:RequestTag/persona"
	return policyOf(
		object("Sid", "OneCall", "Effect", "Allow", "Principal", proxy, "Action", "sts:AssumeRole", "Condition", object(
			"StringEquals", object(tag, persona, "sts:ExternalId", when("HasExternalId", ref("ExternalId"), nothing)),
			"StringLike", object("sts:SourceIdentity", "?*", "sts:RoleSessionName", "ecsmcp-*"),
		)),
		object("Sid", "Tagged", "Effect", "Allow", "Principal", proxy, "Action", "sts:TagSession",
			"Condition", object("StringEquals", object(tag, persona))),
		object("Sid", "OfSomebody", "Effect", "Allow", "Principal", proxy, "Action", "sts:SetSourceIdentity",
			"Condition", object("StringLike", object("sts:SourceIdentity", "?*"))),
	)
}

// ecsTrust is for a task role.
// Source: Amazon ECS Developer Guide, "Task IAM role".
func ecsTrust() yaml.MapSlice {
	return policyOf(object("Sid", "Tasks", "Effect", "Allow", "Principal", object("Service", "ecs-tasks.amazonaws.com"), "Action", "sts:AssumeRole",
		"Condition", object(
			"StringEquals", object("aws:SourceAccount", ref("AWS::AccountId")),
			"ArnLike", object("aws:SourceArn", object("Fn::Sub", "arn:${AWS::Partition}:ecs:${Region}:${AWS::AccountId}:*")),
		)))
}

// podIdentityTrust is for a pod identity association.
// Source: Amazon EKS User Guide, "Create IAM role with trust policy required by EKS Pod Identity".
func podIdentityTrust() yaml.MapSlice {
	return policyOf(object("Sid", "Pods", "Effect", "Allow", "Principal", object("Service", "pods.eks.amazonaws.com"),
		"Action", []any{"sts:AssumeRole", "sts:TagSession"},
		"Condition", object("StringEquals", object(
			"aws:RequestTag/kubernetes-namespace", ref("Namespace"), "aws:RequestTag/kubernetes-service-account", ref("ServiceAccount")))))
}

// irsaTrust is text, because the name of a condition key depends on a parameter.
// Source: Amazon EKS User Guide, "Assign IAM roles to Kubernetes service accounts".
const irsaTrust = `{"Version": "2012-10-17", "Statement": [{"Sid": "ServiceAccount", "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
"Principal": {"Federated": "arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/${OidcProvider}"},
"Condition": {"StringEquals": {"${OidcProvider}:aud": "sts.amazonaws.com", "${OidcProvider}:sub": "system:serviceaccount:${Namespace}:${ServiceAccount}"}}}]}
`

// substituted writes a document's placeholders as CloudFormation's, and keeps
// IAM's own variables from being taken for them.
func substituted(d yaml.MapSlice) any {
	return walk(d, func(text string) any {
		if !placeholder.MatchString(text) {
			return text
		}
		text = strings.ReplaceAll(text, "${", "${!")
		return object("Fn::Sub", placeholder.ReplaceAllStringFunc(text, func(p string) string {
			name := strings.Trim(p, "{}")
			if known, ok := pseudo[name]; ok {
				return known
			}
			return "${" + camel(name) + "}"
		}))
	})
}
