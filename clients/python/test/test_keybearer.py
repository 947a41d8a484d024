"""These tests need an agent with the accounts `practice` and `proofs`: `cargo xtask clients` runs them."""

import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request
from unittest.mock import patch

import anyio
import httpx2
import keybearer
from keybearer import KeybearerAuth, ask, ask_async
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

PRACTICE_URL = os.environ["PRACTICE_URL"]
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def control(**change):
    """Tells the practice server what to do, and gives what it has counted."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(os.environ["PRACTICE_CONTROL"], json.dumps(change).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def run(*words):
    subprocess.run([os.environ["KEYBEARER"], *words], check=True, capture_output=True)


def both_ways(method, params, kind, test):
    """The error of a question, asked with and without an event loop."""
    with test.assertRaises(kind) as plain:
        ask(method, params)
    with test.assertRaises(kind) as with_loop:
        anyio.run(ask_async, method, params)
    test.assertEqual(str(plain.exception), str(with_loop.exception))
    return plain.exception


class Keybearer(unittest.TestCase):
    def test_a_token_that_is_refused_costs_one_refresh_however_many_use_it(self):
        async def calls():
            async with (
                httpx2.AsyncClient(auth=KeybearerAuth("practice"), timeout=30) as http,
                Client(streamable_http_client(PRACTICE_URL, http_client=http), mode="legacy") as client,
            ):
                await client.list_tools()
                before = control(expire_all=True)
                async with anyio.create_task_group() as tasks:
                    for _ in range(100):
                        tasks.start_soon(client.list_tools)
                return before

        before = anyio.run(calls)
        after = control()
        self.assertEqual(after["refreshes"], before["refreshes"] + 1)
        self.assertGreater(after["mcp_rejected"], before["mcp_rejected"])

    def test_the_same_without_an_event_loop(self):
        before = control(expire_all=True)
        with httpx2.Client(auth=KeybearerAuth("practice"), timeout=30, headers=ACCEPT) as http:
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(http.post(PRACTICE_URL, json=HELLO))) for _ in range(100)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual([answer.status_code for answer in answers], [200] * 100)
        self.assertEqual(control()["refreshes"], before["refreshes"] + 1)

    def test_a_request_to_another_server_is_not_sent(self):
        sent = []
        transport = httpx2.MockTransport(sent.append)
        with httpx2.Client(auth=KeybearerAuth("practice"), transport=transport) as http:
            with self.assertRaises(keybearer.ResourceMismatch):
                http.post("http://127.0.0.1:9/mcp", json=HELLO)
        self.assertEqual(sent, [])

    def test_a_server_that_wants_a_proof_gets_one(self):
        with httpx2.Client(auth=KeybearerAuth("proofs"), headers=ACCEPT) as http:
            for _ in range(2):
                self.assertEqual(http.post(os.environ["PROOFS_URL"], json=HELLO).status_code, 200)

    def test_errors_say_what_they_are_and_what_to_do(self):
        error = both_ways("header.get", {"profile": "nobody"}, keybearer.ProfileNotFound, self)
        self.assertEqual((error.code, error.action), ("profile_not_found", "keybearer list"))
        run("sign-out", "practice")
        try:
            error = both_ways("header.get", {"profile": "practice"}, keybearer.AuthRequired, self)
            self.assertIn("keybearer sign-in", str(error))
        finally:
            run("sign-in", "practice")

    def test_where_nobody_listens_or_others_could_nothing_is_said(self):
        question = ("header.get", {"profile": "practice"})
        with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, KEYBEARER_SOCKET=folder):
            error = both_ways(*question, keybearer.AgentUnreachable, self)
            self.assertEqual(error.action, "keybearer agent start")
            os.mkdir(f"{folder}/programs", 0o700)
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(f"{folder}/programs/agent.v1.sock")
                listener.listen()
                listener.setblocking(False)
                os.chmod(f"{folder}/programs", 0o777)
                self.assertIn("alone", str(both_ways(*question, keybearer.AgentUnreachable, self)))
                with self.assertRaises(BlockingIOError):
                    listener.accept()

    def test_whoever_leaves_waits_no_longer(self):
        renew = ("token.get", {"profile": "practice", "force": True})

        async def leave():
            with anyio.fail_after(0.1):
                await ask_async(*renew)

        control(distance_ms=1000)
        began = time.monotonic()
        with self.assertRaises(TimeoutError):
            anyio.run(leave)
        self.assertLess(time.monotonic() - began, 0.9)
        # What it began goes on.
        self.assertGreater(ask(*renew)["generation"], 0)
        control(distance_ms=0)

    def test_the_command_asks_where_there_is_no_socket(self):
        with patch.dict(os.environ, KEYBEARER_COMMAND=os.environ["KEYBEARER"]):
            self.assertIn("Authorization", ask("header.get", {"profile": "practice"})["headers"])
            both_ways("header.get", {"profile": "nobody"}, keybearer.ProfileNotFound, self)
        with patch.dict(os.environ, KEYBEARER_COMMAND="/nowhere/keybearer"):
            both_ways("header.get", {"profile": "practice"}, keybearer.AgentUnreachable, self)


if __name__ == "__main__":
    unittest.main()
