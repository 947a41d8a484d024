"""Calls a tool of an MCP server a hundred times at once, again and again, with an account of Keybearer.

keybearer practice --port 7878                              # in another terminal
keybearer add http://127.0.0.1:7878/mcp --name practice
python example/calls.py http://127.0.0.1:7878/mcp practice 10
"""

import json
import sys
import time

import anyio
import httpx2
from keybearer import KeybearerAuth
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

AT_ONCE = 100
told = {"calls": 0, "failed": 0}


async def call(client):
    told["calls"] += 1
    try:
        result = await client.call_tool("whoami", {})
    except Exception as error:
        print(repr(error), file=sys.stderr)
        told["failed"] += 1
    else:
        told["failed"] += result.is_error


async def main(url, account, seconds):
    # All that a program has to do: its HTTP client takes what authorizes it from Keybearer.
    async with httpx2.AsyncClient(auth=KeybearerAuth(account), timeout=30) as http:
        async with Client(streamable_http_client(url, http_client=http), mode="legacy") as client:
            began = time.monotonic()
            while time.monotonic() - began < float(seconds):
                async with anyio.create_task_group() as tasks:
                    for _ in range(AT_ONCE):
                        tasks.start_soon(call, client)
    print(json.dumps(told))


anyio.run(main, *sys.argv[1:])
