"""Talk to the proxy with the official Python client; print what it saw as JSON.

Usage: client.py MODE COMMAND...    MODE is legacy, auto or a protocol version
       client.py MODE URL           with the bearer token in MCP_TOKEN
Standard input: a JSON list of calls, [TOOL, ARGUMENTS] each.
"""

import asyncio
import json
import os
import sys

import httpx2
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client


def text(result):
    return "\n".join(block.text for block in result.content if block.type == "text")


def transport(to):
    if to[0].startswith("http://"):
        shown = {"Authorization": "Bearer " + os.environ["MCP_TOKEN"]}
        return streamable_http_client(to[0], http_client=httpx2.AsyncClient(headers=shown, timeout=60))
    return stdio_client(StdioServerParameters(command=to[0], args=to[1:], env=dict(os.environ)))


async def converse(mode, to, calls):
    async with Client(transport(to), mode=mode) as client:
        listed = await client.list_tools()
        prompts = await client.list_prompts()
        results = []
        for tool, arguments in calls:
            result = await client.call_tool(tool, arguments)
            results.append({"is_error": bool(result.is_error), "text": text(result)})
        return {
            "server": client.server_info.name,
            "version": client.protocol_version,
            "tools": sorted(tool.name for tool in listed.tools),
            "prompts": len(prompts.prompts),
            "results": results,
        }


json.dump(asyncio.run(converse(sys.argv[1], sys.argv[2:], json.load(sys.stdin))), sys.stdout)
