"""What every server here does for its test: it listens, says where it is, and ends when the test does."""

import json
import os
import socket
import sys
import threading
from importlib.metadata import version

import uvicorn


def listen() -> socket.socket:
    """A port of this machine. Addresses are written into metadata, so it is taken before anything is configured."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def installed(*packages: str) -> dict[str, str]:
    """These packages with their versions."""
    return {name: version(name) for name in packages}


def serve(app, listener: socket.socket, addresses: dict[str, str], packages: dict[str, str]) -> None:
    """Serves until the test ends. The listener queues connections, so the test may come before the first answer."""
    threading.Thread(target=_end_with_test, daemon=True).start()
    print(json.dumps({**addresses, "packages": packages}), flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


def _end_with_test() -> None:
    # The test holds the other end: when it ends, however it ends, so does this.
    sys.stdin.read()
    os._exit(0)
