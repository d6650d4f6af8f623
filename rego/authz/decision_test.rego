package ecsmcp.authz_test

import data.ecsmcp.authz

personas := {
	"reader": {"identity": [{"name": "read", "document": {"Version": "2012-10-17", "Statement": [
		{"Sid": "Read", "Effect": "Allow", "Action": ["ecs:Describe*", "ecs:List*"], "Resource": "*"},
		{"Sid": "Run", "Effect": "Allow", "Action": "ecs:TagResource", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
		{"Sid": "NoSecrets", "Effect": "Deny", "Action": "ecs:DescribeTaskDefinition", "Resource": "*"},
		{"Sid": "NotShop", "Effect": "Deny", "Action": "ecs:DescribeTasks", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/Environment": "production"}}},
	]}}]},
	"bounded": {
		"identity": [{"name": "all", "document": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}],
		"boundary": [{"name": "ecs", "document": {"Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}]}}],
		"mcp": [{"name": "default", "document": {"Statement": [{"Effect": "Allow", "Action": "mcp:*", "Resource": "arn:ecs-mcp-proxy:mcp:::server/*"}]}}],
	},
	"nobody": {"identity": []},
}

request(persona, accesses) := {
	"principal": {"id": "alice", "kind": "os-user"},
	"persona": persona,
	"region": "us-east-1",
	"account": "1",
	"call": {"method": "tools/call", "server": "server", "write": false, "sensitive": false},
	"accesses": accesses,
}

access(action) := {"action": action, "resource": "*", "context": {"aws:RequestedRegion": "us-east-1"}, "unscopable": true}

optional(action) := object.union(access(action), {"optional": true})

decide(persona, accesses) := decision if {
	decision := authz.decision with input as request(persona, accesses)
		with data.ecsmcp.config.personas as personas
}

test_allowed[note] if {
	some note, tc in {
		"one access": ["reader", [access("ecs:ListClusters")]],
		"several": ["reader", [access("ecs:ListClusters"), access("ecs:DescribeServices")]],
		"an optional one is refused": ["reader", [access("ecs:ListClusters"), optional("ecr:ListImages")]],
		"an optional one is denied": ["reader", [optional("ecs:DescribeTaskDefinition"), access("ecs:ListClusters")]],
		"within the boundary": ["bounded", [access("ecs:DeleteCluster")]],
		"what touches no AWS API": ["bounded", [{"action": "mcp:CallTool", "resource": "arn:ecs-mcp-proxy:mcp:::server/tool/a", "context": {}}]],
	}
	decision := decide(tc[0], tc[1])
	decision.allow
	count(decision.accesses) == count(tc[1])
	decision.denies == []
}

test_denied[note] if {
	some note, tc in {
		"one access": ["reader", [access("ecs:DeleteCluster")]],
		"one of several": ["reader", [access("ecs:ListClusters"), access("ecs:DeleteCluster")]],
		"an explicit deny": ["reader", [access("ecs:DescribeTaskDefinition")]],
		"only optional ones, none allowed": ["reader", [optional("ecr:ListImages"), optional("ecr:DescribeImages")]],
		"outside the boundary": ["bounded", [access("ecr:ListImages")]],
		"another server's tool": ["bounded", [{"action": "mcp:CallTool", "resource": "arn:ecs-mcp-proxy:mcp:::other/tool/a", "context": {}}]],
		"no identity": ["nobody", [access("ecs:ListClusters")]],
	}
	decision := decide(tc[0], tc[1])
	decision.allow == false
	count(decision.accesses) == count(tc[1])
	decision.denies == []
}

test_no_accesses_are_denied_with_a_reason if {
	decision := decide("bounded", [])
	decision.allow == false
	decision.accesses == []
	[d.code | some d in decision.denies] == ["no_access"]
}

test_unknown_persona_is_denied_with_a_reason if {
	decision := decide("stranger", [access("ecs:ListClusters")])
	decision.allow == false
	[a.decision | some a in decision.accesses] == ["implicitDeny"]
	[d.code | some d in decision.denies] == ["no_persona"]
}

test_unknown_persona_is_denied_without_any_configuration if {
	decision := authz.decision with input as request("reader", [access("ecs:ListClusters")])
	decision.allow == false
}

test_any_guardrail_denies if {
	decision := authz.decision with input as request("bounded", [access("ecs:DeleteCluster")])
		with data.ecsmcp.config.personas as personas
		with data.ecsmcp.guardrails as {"mine": {"deny": {{"code": "mine", "title": "t", "message": "m", "remedy": "r"}}}}
	decision.allow == false
	[a.decision | some a in decision.accesses] == ["allowed"]
	[d.code | some d in decision.denies] == ["mine"]
}

test_a_plain_message_is_a_reason[found] if {
	some found, reason in {
		"no": {"code": "mine", "title": "mine", "message": "no"},
		{"message": "no"}: {"code": "mine", "title": "mine", "message": "no"},
		{"message": "no", "code": "other", "remedy": "r"}: {"code": "other", "title": "mine", "message": "no", "remedy": "r"},
		1: {"code": "mine", "title": "mine", "message": 1},
	}
	decision := authz.decision with input as request("bounded", [access("ecs:DeleteCluster")])
		with data.ecsmcp.config.personas as personas
		with data.ecsmcp.guardrails as {"mine": {"deny": {found}}}
	decision.allow == false
	decision.denies == [reason]
}

test_a_reason_has_what_the_guardrails_metadata_say if {
	decision := authz.decision with input as request("bounded", [access("ecs:DeleteCluster")])
		with data.ecsmcp.config as {"personas": personas, "guardrails": {"mine": {"title": "Mine", "remedy": "Ask."}}}
		with data.ecsmcp.guardrails as {"mine": {"deny": {"no"}}}
	decision.denies == [{"code": "mine", "title": "Mine", "message": "no", "remedy": "Ask."}]
}

test_a_guardrail_can_be_off_for_a_persona if {
	decision := authz.decision with input as request("bounded", [access("ecs:DeleteCluster")])
		with data.ecsmcp.config.personas as {"bounded": object.union(personas.bounded, {"guardrails_off": {"mine": true}})}
		with data.ecsmcp.guardrails as {"mine": {
			"deny": {{"code": "mine", "title": "t", "message": "m", "remedy": "r"}},
			"obligation": {{"kind": "redact"}}, "session_deny": {{"Action": ["*"]}}, "context": {"a": 1},
		}}
	decision.allow == true
	[decision.obligations, decision.session_deny, decision.context] == [[], [], {}]
}

test_a_guardrail_adds_obligations_session_denies_and_context if {
	decision := authz.decision with input as request("bounded", [access("ecs:DeleteCluster")])
		with data.ecsmcp.config.personas as personas
		with data.ecsmcp.guardrails as {"mine": {
			"deny": set(), "obligation": {{"kind": "redact"}},
			"session_deny": {{"Action": ["ecs:DeleteCluster"], "Resource": ["*"]}}, "context": {"ticket": "T-1"},
		}}
	decision.allow == true
	decision.obligations == [{"kind": "redact"}]
	decision.session_deny == [{"Action": ["ecs:DeleteCluster"], "Resource": ["*"]}]
	decision.context == {"mine": {"ticket": "T-1"}}
}

test_what_does_not_answer_every_access_is_denied[answer] if {
	some answer in [
		{"allow": true, "accesses": []},
		{"allow": true, "accesses": [{"decision": "allowed"}, {"decision": "allowed"}]},
		{"allow": false, "accesses": [{"decision": "allowed"}]},
		{"allow": "true", "accesses": [{"decision": "allowed"}]},
	]
	decision := authz.decision with input as request("bounded", [access("ecs:DeleteCluster")])
		with data.ecsmcp.config.personas as personas
		with data.ecsmcp.iam.evaluate as answer
	decision.allow == false
}

test_a_part_that_rails_leave_out_allows_nothing[part] if {
	some part in ["context", "deny", "obligation", "session_deny"]
	whole := {"context": set(), "deny": set(), "obligation": set(), "session_deny": set()}
	decision := authz.decision with input as request("bounded", [access("ecs:DeleteCluster")])
		with data.ecsmcp.config.personas as personas
		with data.ecsmcp.authz.rails as object.remove(whole, [part])
	decision.allow == false
	complete := authz.decision with input as request("bounded", [access("ecs:DeleteCluster")])
		with data.ecsmcp.config.personas as personas
		with data.ecsmcp.authz.rails as whole
	complete.allow == true
}

visible(persona, actions) := listed if {
	listed := authz.visible with input as {"persona": persona, "actions": actions}
		with data.ecsmcp.config.personas as personas
}

test_visible_is_what_some_allow_names if {
	visible("reader", ["ecs:ListClusters", "ecs:DeleteCluster", "ecs:DescribeServices"]) == ["ecs:DescribeServices", "ecs:ListClusters"]
}

test_visible_whatever_the_condition_of_the_allow if visible("reader", ["ecs:TagResource"]) == ["ecs:TagResource"]

test_visible_although_a_deny_has_a_condition if visible("reader", ["ecs:DescribeTasks"]) == ["ecs:DescribeTasks"]

test_not_visible_what_is_denied_in_any_case if visible("reader", ["ecs:DescribeTaskDefinition"]) == []

test_not_visible_what_the_boundary_does_not_allow if visible("bounded", ["ecr:ListImages", "ecs:ListClusters"]) == ["ecs:ListClusters"]

test_visible_of_mcp_is_up_to_its_own_documents if {
	visible("bounded", ["mcp:CallTool"]) == ["mcp:CallTool"]
	visible("reader", ["mcp:CallTool"]) == []
}

test_nothing_is_visible_to_who_has_nothing[persona] if {
	some persona in ["nobody", "stranger"]
	visible(persona, ["ecs:ListClusters"]) == []
}
