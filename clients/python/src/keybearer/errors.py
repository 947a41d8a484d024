"""Why there are no headers. Keybearer's README explains each error."""


class KeybearerError(Exception):
    """Its text ends with what the user can do."""

    #: What programs compare, such as "auth_required".
    code = ""

    def __init__(self, message, data=None):
        data = data or {}
        self.code = data.get("name", self.code)
        #: The exact rule or event, such as "more_access_needed", if there is one.
        self.reason = data.get("reason")
        #: What the user can do, such as "keybearer sign-in work", if anything.
        self.action = data.get("action")
        #: Whether the same may work later by itself.
        self.retryable = data.get("retryable", False)
        #: When, if that is known.
        self.retry_after_ms = data.get("retry_after_ms")
        super().__init__(f"{message} (what to do: {self.action})" if self.action else message)


class AuthRequired(KeybearerError):
    """A person has to sign in: show the action."""

    code = "auth_required"


class AuthInProgress(KeybearerError):
    """Somebody is signing in: try again soon."""

    code = "auth_in_progress"


class ConsentRequired(KeybearerError):
    """Somebody has to be asked, and can't be now."""

    code = "consent_required"


class ConsentDenied(KeybearerError):
    """The person said no."""

    code = "consent_denied"


class ProfileNotFound(KeybearerError):
    """No account has this name or address."""

    code = "profile_not_found"


class ScopeUnavailable(KeybearerError):
    """The sign-in doesn't cover it: show the action."""

    code = "scope_unavailable"


class ResourceMismatch(KeybearerError):
    """The request goes to another server than the account's."""

    code = "resource_mismatch"


class ProviderUnreachable(KeybearerError):
    """Try again later."""

    code = "provider_unreachable"


class AgentLocked(KeybearerError):
    """A person has to unlock it."""

    code = "agent_locked"


class Paused(KeybearerError):
    """A person has paused it."""

    code = "paused"


class AgentUnreachable(KeybearerError):
    """Nobody listens, or somebody else does."""

    code = "agent_unreachable"


def error_of(said):
    """The error that the agent says."""
    data = said.get("data", {})
    kinds = {kind.code: kind for kind in KeybearerError.__subclasses__()}
    return kinds.get(data.get("name"), KeybearerError)(said.get("message", ""), data)


def unreachable(problem, action="keybearer doctor"):
    """Nobody can be asked."""
    return AgentUnreachable(problem, {"name": "agent_unreachable", "action": action})
