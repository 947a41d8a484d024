"""Authentication for httpx, httpx2 and the MCP SDK, which is made with one of them."""

import importlib

import anyio

from .agent import AT_ONCE, ask, ask_async


def _bases():
    """The classes that the HTTP libraries which are here want."""
    for name in ("httpx2", "httpx"):
        try:
            yield importlib.import_module(name).Auth
        except ImportError:
            continue


class KeybearerAuth(*_bases()):
    """Adds what authorizes a request: `httpx.AsyncClient(auth=KeybearerAuth("work"))`.

    If the server refuses it (401, or 403 for want of scopes), it asks the agent once more and sends the request again, once. A
    request that doesn't go to the account's server fails with `ResourceMismatch` and is not sent.
    """

    def __init__(self, account=None):
        """The account's name may be left out where only one has the server."""
        self._account = account
        self._nonce = None
        self._places = anyio.Semaphore(AT_ONCE)

    def sync_auth_flow(self, request):
        request.read()
        steps = self._steps(request)
        step = next(steps)
        try:
            while True:
                step = steps.send(ask(*step) if isinstance(step, tuple) else (yield step))
        except StopIteration:
            return

    async def async_auth_flow(self, request):
        await request.aread()
        steps = self._steps(request)
        step = next(steps)
        try:
            while True:
                step = steps.send(await self._ask(*step) if isinstance(step, tuple) else (yield step))
        except StopIteration:
            return

    async def _ask(self, method, params):
        async with self._places:
            return await ask_async(method, params)

    def _steps(self, request):
        """What has to be done, in turn: questions to the agent, and requests to the server."""
        asked = {"profile": self._account, "url": str(request.url), "method": request.method}
        authorization = yield "header.get", {**asked, "nonce": self._nonce}
        request.headers.update(authorization["headers"])
        response = yield request
        self._nonce = response.headers.get("DPoP-Nonce", self._nonce)
        challenge = response.headers.get("WWW-Authenticate", "")
        lacks_scope = response.status_code == 403 and "insufficient_scope" in challenge
        generation = authorization.get("generation")
        if generation is None or not (response.status_code == 401 or lacks_scope):
            return
        if "use_dpop_nonce" not in challenge:
            reason = "insufficient_scope" if lacks_scope else "401"
            refusal = {"profile": authorization["profile"], "generation": generation, "reason": reason}
            told = yield "token.invalidate", {**refusal, "www_authenticate": challenge}
            asked["scopes"] = told.get("scopes") or []
        authorization = yield "header.get", {**asked, "nonce": self._nonce}
        request.headers.update(authorization["headers"])
        yield request
