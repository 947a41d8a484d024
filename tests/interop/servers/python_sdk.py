"""The official Python SDK as authorization server and MCP server; only the store and the consent page are written here."""

import html
import secrets
import time
from dataclasses import dataclass, field

import ready
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

SCOPE = "tools"
ACCESS_TOKEN_TTL = 20
CODE_TTL = 60


@dataclass
class Store(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """Clients and tokens in memory. Both tokens of a grant are born and end together."""

    consent_page: str
    clients: dict[str, OAuthClientInformationFull] = field(default_factory=dict)
    waiting: dict[str, tuple[str, AuthorizationParams]] = field(default_factory=dict)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    grants: list[tuple[str, str]] = field(default_factory=list)

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        request = secrets.token_urlsafe()
        self.waiting[request] = (client.client_id, params)
        return f"{self.consent_page}?request={request}"

    def approve(self, request: str, person: str) -> str:
        """The address that the browser goes back to after this person said yes."""
        client_id, params = self.waiting.pop(request)
        code = AuthorizationCode(
            code=secrets.token_urlsafe(),
            scopes=params.scopes or [SCOPE],
            expires_at=time.time() + CODE_TTL,
            client_id=client_id,
            subject=person,
            **params.model_dump(include={"code_challenge", "redirect_uri", "redirect_uri_provided_explicitly", "resource"}),
        )
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        return self.issue(authorization_code, authorization_code.scopes)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        return self.refresh_tokens.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        await self.revoke_token(refresh_token)
        return self.issue(refresh_token, scopes)

    def issue(self, origin: AuthorizationCode | RefreshToken, scopes: list[str]) -> OAuthToken:
        """Both tokens for whom a code or the previous refresh token stands."""
        whose = origin.model_dump(include={"client_id", "resource", "subject"}) | {"scopes": scopes}
        access = AccessToken(token=secrets.token_urlsafe(), expires_at=int(time.time()) + ACCESS_TOKEN_TTL, **whose)
        refresh = RefreshToken(token=secrets.token_urlsafe(), **whose)
        self.access_tokens[access.token] = access
        self.refresh_tokens[refresh.token] = refresh
        self.grants.append((access.token, refresh.token))
        return OAuthToken(
            access_token=access.token,
            refresh_token=refresh.token,
            expires_in=ACCESS_TOKEN_TTL,
            scope=" ".join(scopes),
        )

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.access_tokens.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        for access, refresh in self.grants:
            if token.token in (access, refresh):
                self.access_tokens.pop(access, None)
                self.refresh_tokens.pop(refresh, None)


listener = ready.listen()
origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
store = Store(consent_page=f"{origin}/consent")
server = MCPServer(
    "interop-python-sdk",
    auth_server_provider=store,
    auth=AuthSettings(
        issuer_url=origin,
        resource_server_url=f"{origin}/mcp",
        client_registration_options=ClientRegistrationOptions(enabled=True, valid_scopes=[SCOPE], default_scopes=[SCOPE]),
        revocation_options=RevocationOptions(enabled=True),
        required_scopes=[SCOPE],
        validate_token_resource=True,
    ),
)


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def shout(words: str) -> str:
    """Says it louder."""
    return words.upper()


@server.custom_route("/consent", methods=["GET", "POST"])
async def consent(request: Request) -> Response:
    """Asks the person who they are, and whether the client may act for them."""
    if request.method == "POST":
        form = await request.form()
        return RedirectResponse(store.approve(str(form["request"]), str(form["person"])), status_code=302)
    waiting = html.escape(request.query_params["request"])
    return HTMLResponse(
        '<!doctype html><title>Consent</title><form method="post">'
        f'<input type="hidden" name="request" value="{waiting}">'
        '<label>You are <input type="text" name="person"></label>'
        "<button>Allow</button></form>"
    )


ready.serve(server.streamable_http_app(), listener, {"mcp_url": f"{origin}/mcp", "issuer": origin}, ready.installed("mcp"))
