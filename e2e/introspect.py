"""Print what the installed server module can do, as its own code says."""

import json
import sys
from typing import get_args

import boto3
from awslabs.ecs_mcp_server.api import ecs_troubleshooting, resource_management
from awslabs.ecs_mcp_server.modules import aws_knowledge_proxy

model = boto3.Session().client("ecs", region_name="us-east-1").meta.service_model
json.dump(
    {
        "operations": sorted(resource_management.SUPPORTED_ECS_OPERATIONS),
        "in_botocore": sorted(model.operation_names),
        "actions": sorted(get_args(ecs_troubleshooting.TroubleshootingAction)),
        # Mounted from the public knowledge server, which is out of reach here.
        "knowledge_tools": sorted(aws_knowledge_proxy.DESIRED_KNOWLEDGE_PROXY_TOOLS),
    },
    sys.stdout,
)
