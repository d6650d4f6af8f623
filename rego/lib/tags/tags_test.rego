package ecsmcp.lib.tags_test

import data.ecsmcp.lib.tags

service := "arn:aws:ecs:us-east-1:1:service/shop/web"

definition := "arn:aws:ecs:us-east-1:1:task-definition/web:1"

test_state[note] if {
	some note, tc in {
		"has the value": ["listed", {"resource": service, "context": {"aws:ResourceTag/Environment": "production"}}],
		"in another case and with space": ["listed", {"resource": service, "context": {"aws:ResourceTag/environment": " Production "}}],
		"has another value": ["other", {"resource": service, "context": {"aws:ResourceTag/Environment": "staging"}}],
		"has no such tag": ["absent", {"resource": service, "context": {"aws:ResourceTag/Team": "production"}}],
		"was not looked up": ["unknown", {"resource": service, "context": {}, "unknown": ["aws:ResourceTag/*"]}],
		"has it twice": ["unknown", {"resource": service, "context": {}, "unknown": ["aws:ResourceTag/Environment", "aws:ResourceTag/environment"]}],
		"is new": ["absent", {"resource": service, "creates": true, "context": {}, "unknown": ["aws:ResourceTag/*"]}],
		"is about nobody knows what": ["unknown", {"resource": "*", "context": {}}],
		"its subject has the value": ["listed", {"resource": "*", "subject": definition, "context": {"ecs-mcp-proxy:SubjectTag/Environment": "production"}}],
		"its subject has another": ["other", {"resource": "*", "subject": definition, "context": {"ecs-mcp-proxy:SubjectTag/Environment": "staging"}}],
		"its subject has none": ["absent", {"resource": "*", "subject": definition, "context": {}}],
		"its subject was not looked up": ["unknown", {"resource": "*", "subject": definition, "context": {}, "unknown": ["ecs-mcp-proxy:SubjectTag/*"]}],
		"its subject is the resource": ["other", {
			"resource": service, "subject": service, "unknown": ["aws:ResourceTag/*"],
			"context": {"ecs-mcp-proxy:SubjectTag/Environment": "staging"},
		}],
		"its subject is another, of which nothing is known": ["unknown", {
			"resource": service, "subject": definition, "unknown": ["ecs-mcp-proxy:SubjectTag/*"],
			"context": {"aws:ResourceTag/Environment": "staging"},
		}],
		"one of two has the value, though the other is unknown": ["listed", {
			"resource": service, "subject": definition, "unknown": ["ecs-mcp-proxy:SubjectTag/*"],
			"context": {"aws:ResourceTag/Environment": "prod"},
		}],
	}
	tags.state(object.union({"action": "ecs:X"}, tc[1]), "Environment", ["production", " PROD"]) == tc[0]
}

test_needs_what_was_not_looked_up if {
	tags.needs({"action": "ecs:X", "resource": service, "subject": definition, "context": {}, "unknown": ["aws:ResourceTag/*", "ecs-mcp-proxy:SubjectTag/*"]}, "Stage") == ["aws:ResourceTag/Stage", "ecs-mcp-proxy:SubjectTag/Stage"]
	tags.needs({"action": "ecs:X", "resource": "*", "context": {}}, "Stage") == []
}
