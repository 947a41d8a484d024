"""The Python SDK's client on one road to a server; prints what it saw there as JSON. See typescript.mjs for the argument."""

import asyncio
import hashlib
import json
import os
import sys
import time

import anyio
import httpx2
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CreateMessageResult, ElicitResult, TextContent

# Seconds. Reading lines of 50 MB from a process costs this client tens of seconds of its own, whoever writes them.
PATIENCE = 240

road = json.loads(sys.argv[1])


class Headers(httpx2.Auth):
    """The headers of this road, asked anew for each request where a command prints them."""

    async def async_auth_flow(self, request):
        request.headers.update(road.get("headers") or {})
        if command := road.get("headers_from"):
            process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            printed, _ = await process.communicate()
            request.headers.update(json.loads(printed))
        yield request


def transport():
    if command := road.get("command"):
        return stdio_client(StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ)))
    if road.get("transport") == "sse":
        return sse_client(road["url"], auth=Headers())
    client = httpx2.AsyncClient(auth=Headers(), timeout=PATIENCE)
    return streamable_http_client(road["url"], http_client=client, max_sse_event_size=None)


async def sample(_context, params):
    asked = params.messages[0].content.text
    content = TextContent(type="text", text=f"blue, to {asked}")
    return CreateMessageResult(role="assistant", model="interop-model", content=content)


async def elicit(_context, params):
    return ElicitResult(action="accept", content={"city": f"Oslo, to {params.message}"})


logged = []


async def log(params):
    logged.append(params.data)


async def call(client, name, arguments=None, on_progress=None):
    result = await client.call_tool(name, arguments, read_timeout_seconds=PATIENCE, progress_callback=on_progress)
    text = result.content[0].text
    return f"failed: {text}" if result.is_error else text


async def call_with_progress(client, name, arguments):
    """The same with the progress that came meanwhile. The tool answers when all of it was seen."""
    progress = []

    async with anyio.create_task_group() as tasks:

        async def on_progress(done, total, _message):
            progress.append([round(done), round(total)])
            if done == total:
                tasks.start_soon(call, client, "confirm")

        result = await call(client, name, {**arguments, "confirmed": True}, on_progress)
    return {"progress": progress, "result": result}


async def lose(client):
    return {how: await call_with_progress(client, "lose", {"how": how}) for how in ("closed", "torn")}


async def large(client):
    text = (await call(client, "large")).encode()
    return {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}


async def cancelled(client):
    ended = "an answer"
    with anyio.CancelScope() as scope:

        async def enough(_done, _total, _message):
            scope.cancel()

        await call(client, "wait", on_progress=enough)
    if scope.cancelled_caught:
        ended = "cancelled"
    return {"ended": ended, "server": await call(client, "was_cancelled")}


async def listen(client):
    await call(client, "log", {"words": "for nobody in particular"})
    with anyio.move_on_after(PATIENCE):
        while not logged:
            await anyio.sleep(0.01)
    return logged


SCENES = {
    "add": lambda client: call(client, "add", {"a": 2, "b": 3}),
    "count": lambda client: call_with_progress(client, "count", {"to": 5}),
    "ask_model": lambda client: call(client, "ask_model"),
    "ask_person": lambda client: call(client, "ask_person"),
    "outlast": lambda client: call(client, "outlast"),
    "lose": lose,
    "large": large,
    "wait": cancelled,
    "log": listen,
}


async def main():
    client = Client(
        transport(), mode=road.get("mode", "legacy"), sampling_callback=sample, elicitation_callback=elicit, logging_callback=log
    )
    async with client:
        seen = {"server": client.server_info.name, "protocol": client.protocol_version}
        tools = [tool.name for tool in (await client.list_tools()).tools]
        seen["tools"] = sorted(tools)
        for name, scene in SCENES.items():
            if name in tools:
                began = time.monotonic()
                seen[name] = await scene(client)
                print(f"{name}: {(time.monotonic() - began) * 1000:.0f} ms", file=sys.stderr)
    print(json.dumps(seen))


anyio.run(main)
