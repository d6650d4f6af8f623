"""Read messages as the MCP SDK for Python reads standard input, and print how
each is understood: once by a reader that keeps the last of two equal keys,
once by one that keeps the first."""

import json
import sys
from io import TextIOWrapper


def first_wins(pairs):
    return dict(reversed(pairs))


def reading(line, **hooks):
    message = json.loads(line, **hooks)
    params = message.get("params", {})
    return {
        "method": message.get("method", ""),
        "id": message.get("id"),
        "name": params.get("name"),
        "arguments": params.get("arguments"),
    }


for line in TextIOWrapper(sys.stdin.buffer, encoding="utf-8"):
    print(json.dumps([reading(line), reading(line, object_pairs_hook=first_wins)]))
