"""FastMCP with its own in-memory authorization server: nobody is asked, every client that registers gets tokens."""

import ready
from fastmcp import FastMCP
from fastmcp.server.auth.auth import ClientRegistrationOptions, RevocationOptions
from fastmcp.server.auth.providers import in_memory

# An hour, which no test waits for. The library has no other way to say it.
in_memory.DEFAULT_ACCESS_TOKEN_EXPIRY_SECONDS = 20

listener = ready.listen()
origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
server = FastMCP(
    "interop-fastmcp",
    auth=in_memory.InMemoryOAuthProvider(
        base_url=origin,
        client_registration_options=ClientRegistrationOptions(enabled=True),
        revocation_options=RevocationOptions(enabled=True),
    ),
)


@server.tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool
def shout(words: str) -> str:
    """Says it louder."""
    return words.upper()


@server.tool
def reverse(words: str) -> str:
    """Says it backwards."""
    return words[::-1]


ready.serve(server.http_app(), listener, {"mcp_url": f"{origin}/mcp"}, ready.installed("fastmcp", "mcp"))
