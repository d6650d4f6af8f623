package ecsmcp.personas.default_test

import data.ecsmcp.iam
import data.ecsmcp.samples

result(action, rest) := iam.results({"mcp": [samples.document("default")]}, [{
	"action": action,
	"resource": concat("", ["arn:ecs-mcp-proxy:mcp:::", rest]),
	"context": {},
}])[0]

test_allowed[note] if {
	some note, tc in {
		"documentation": ["mcp:CallTool", "awslabs.ecs-mcp-server/tool/aws_knowledge_aws___search_documentation"],
		"guidance": ["mcp:CallTool", "awslabs.ecs-mcp-server/tool/containerize_app"],
		"a prompt": ["mcp:GetPrompt", "awslabs.ecs-mcp-server/prompt/dockerize"],
		"a resource": ["mcp:ReadResource", "awslabs.ecs-mcp-server/resource/a%2Fb"],
	}
	result(tc[0], tc[1]).decision == "allowed"
}

test_denied[note] if {
	some note, tc in {
		"a tool nobody listed": ["mcp:CallTool", "awslabs.ecs-mcp-server/tool/aws_knowledge_aws___run"],
		"a tool that calls AWS": ["mcp:CallTool", "awslabs.ecs-mcp-server/tool/ecs_resource_management"],
		"another server": ["mcp:CallTool", "other/tool/containerize_app"],
		"a prompt taken for a tool": ["mcp:CallTool", "awslabs.ecs-mcp-server/prompt/dockerize"],
		"an action there is not": ["mcp:Complete", "awslabs.ecs-mcp-server/prompt/dockerize"],
	}
	result(tc[0], tc[1]).decision == "implicitDeny"
}
