"""Questions to Keybearer's agent: one connection for each, whose two lines are said and answered in turn."""

import contextlib
import json
import os
import socket
import subprocess
import threading

import anyio
from anyio.abc import SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream

from .errors import error_of, unreachable
from .place import check_peer, check_place, nobody

#: The most that an answer may take, in seconds: a person may have a minute to decide.
PATIENCE = 90
#: How many threads ask at a time, each on a connection of its own: the agent takes 64 of a process.
AT_ONCE = 32
#: What a line of the protocol may hold.
LINE_LIMIT = 64 << 10

_HELLO = {"protocol": {"min": 1, "max": 1}, "client": {"name": "keybearer-python", "version": "0.1.0"}}
_places = threading.BoundedSemaphore(AT_ONCE)


def ask(method, params):
    """Asks any method of docs/protocol.md, and waits."""
    with _places:
        if command := _command():
            with _reported():
                ended = subprocess.run(command, input=_line(method, params), capture_output=True, timeout=PATIENCE)
            return _of_command(ended)
        path = check_place()
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(PATIENCE)
            try:
                agent.connect(path)
            except (FileNotFoundError, ConnectionRefusedError):
                raise nobody(path) from None
            check_peer(agent)
            with agent.makefile("rb") as answers:

                def say(line):
                    agent.sendall(line)
                    return answers.readline(LINE_LIMIT)

                said = say(_line("session.open", _HELLO))
                return _result(say(_line(method, params, _result(said)["session"])))


async def ask_async(method, params):
    """The same in asyncio or trio. Whoever is cancelled hangs up, and the agent forgets the question."""
    with anyio.fail_after(PATIENCE):
        if command := _command():
            with _reported():
                ended = await anyio.run_process(command, input=_line(method, params), check=False)
            return _of_command(ended)
        path = check_place()
        try:
            agent = await anyio.connect_unix(path)
        except OSError:
            raise nobody(path) from None
        async with agent:
            check_peer(agent.extra(SocketAttribute.raw_socket))
            answers = BufferedByteReceiveStream(agent)

            async def say(line):
                try:
                    await agent.send(line)
                    return await answers.receive_until(b"\n", LINE_LIMIT)
                except (anyio.IncompleteRead, anyio.BrokenResourceError, anyio.EndOfStream):
                    return b""

            said = await say(_line("session.open", _HELLO))
            return _result(await say(_line(method, params, _result(said)["session"])))


def _line(method, params, session=None):
    question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return json.dumps(question if session is None else {**question, "session": session}).encode() + b"\n"


def _result(line):
    if not line:
        raise unreachable("the agent ended the connection")
    said = json.loads(line)
    if "error" in said:
        raise error_of(said["error"])
    return said["result"]


def _command():
    """The command that asks instead of the socket: on Windows, for Python opens no pipes there that could be checked."""
    program = os.environ.get("KEYBEARER_COMMAND") or ("keybearer" if os.name == "nt" else None)
    return program and [program, "rpc", "-"]


@contextlib.contextmanager
def _reported():
    try:
        yield
    except FileNotFoundError as error:
        raise unreachable(str(error)) from None


def _of_command(ended):
    if not ended.stdout:
        raise unreachable(ended.stderr.decode(errors="replace").strip())
    return _result(ended.stdout)
