"""Talk to the proxy with the official Python client; print what it saw as JSON.

Usage: client.py MODE COMMAND...    MODE is legacy or auto
Standard input: a JSON list of calls, [TOOL, ARGUMENTS] each.
"""

import asyncio
import json
import os
import sys

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client


def text(result):
    return "\n".join(block.text for block in result.content if block.type == "text")


async def converse(mode, command, calls):
    parameters = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    async with Client(stdio_client(parameters), mode=mode) as client:
        listed = await client.list_tools()
        prompts = await client.list_prompts()
        results = []
        for tool, arguments in calls:
            result = await client.call_tool(tool, arguments)
            results.append({"is_error": bool(result.is_error), "text": text(result)})
        return {
            "server": client.server_info.name,
            "tools": sorted(tool.name for tool in listed.tools),
            "prompts": len(prompts.prompts),
            "results": results,
        }


json.dump(asyncio.run(converse(sys.argv[1], sys.argv[2:], json.load(sys.stdin))), sys.stdout)
