"""What authorizes a program's requests to MCP servers, from Keybearer's agent on this machine.

`KeybearerAuth` adds it to the requests of httpx, of httpx2, and so of the MCP SDK. Nothing is kept here: the agent answers in a
fraction of a millisecond, renews in time, and once for all who ask.
"""

from .agent import ask, ask_async
from .auth import KeybearerAuth
from .errors import (
    AgentLocked,
    AgentUnreachable,
    AuthInProgress,
    AuthRequired,
    ConsentDenied,
    ConsentRequired,
    KeybearerError,
    Paused,
    ProfileNotFound,
    ProviderUnreachable,
    ResourceMismatch,
    ScopeUnavailable,
)

__all__ = [
    "AgentLocked",
    "AgentUnreachable",
    "AuthInProgress",
    "AuthRequired",
    "ConsentDenied",
    "ConsentRequired",
    "KeybearerAuth",
    "KeybearerError",
    "Paused",
    "ProfileNotFound",
    "ProviderUnreachable",
    "ResourceMismatch",
    "ScopeUnavailable",
    "ask",
    "ask_async",
]
