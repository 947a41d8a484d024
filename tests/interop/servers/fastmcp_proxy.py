"""FastMCP's OAuth proxy, as it stands before services without dynamic registration. Here the service is oidc-provider."""

import json
import os
import subprocess
from pathlib import Path

import ready
from fastmcp import FastMCP
from fastmcp.server.auth import OAuthProxy
from fastmcp.server.auth.providers.introspection import IntrospectionTokenVerifier
from key_value.aio.stores.memory import MemoryStore

listener = ready.listen()
origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
# It ends with its standard input, which ends with this process.
upstream = subprocess.Popen(
    ["node", str(Path(__file__).with_name("oidc-provider.mjs"))],
    env={**os.environ, "CLIENT_REDIRECT_URI": f"{origin}/auth/callback", "REFRESH_TOKENS": "grant"},
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
)
service = json.loads(upstream.stdout.readline())
endpoint = service["issuer"]
client = service["client"]
server = FastMCP(
    "interop-fastmcp-proxy",
    auth=OAuthProxy(
        upstream_authorization_endpoint=f"{endpoint}/auth",
        upstream_token_endpoint=f"{endpoint}/token",
        upstream_revocation_endpoint=f"{endpoint}/token/revocation",
        upstream_client_id=client["id"],
        upstream_client_secret=client["secret"],
        # The service knows resources of its own alone.
        forward_resource=False,
        token_verifier=IntrospectionTokenVerifier(
            introspection_url=f"{endpoint}/token/introspection",
            client_id=client["id"],
            client_secret=client["secret"],
            required_scopes=["openid"],
        ),
        base_url=origin,
        client_storage=MemoryStore(),
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


packages = ready.installed("fastmcp", "mcp") | {"oidc-provider": service["packages"]["oidc-provider"]}
ready.serve(server.http_app(), listener, {"mcp_url": f"{origin}/mcp"}, packages)
