//! What can go wrong: stable codes, names, and the command's exit codes.

use crate::exception::Exception;
use serde::{Deserialize, Serialize};

/// Declares the one table of codes: variant, number on the wire, name, exit code of the command.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal, exit $exit:literal;)+) => {
        /// A stable error code. Its number stands in `error.code`, its name in `error.data.name`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)+ }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),+];

            /// The number in `error.code`.
            pub fn code(self) -> i32 { match self { $(ErrorCode::$variant => $code,)+ } }

            /// The name in `error.data.name`, which programs compare.
            pub fn name(self) -> &'static str { match self { $(ErrorCode::$variant => $name,)+ } }

            /// The exit code of the `keybearer` command.
            pub fn exit(self) -> u8 { match self { $(ErrorCode::$variant => $exit,)+ } }

            /// The code with this number, if it is one of ours.
            pub fn from_code(code: i32) -> Option<ErrorCode> {
                match code { $($code => Some(ErrorCode::$variant),)+ _ => None }
            }
        }
    };
}

codes! {
    /// The agent, or the keyring under it, is locked.
    AgentLocked = 1001, "agent_locked", exit 10;
    /// No profile has this name or address.
    ProfileNotFound = 1002, "profile_not_found", exit 11;
    /// Several profiles fit; one must be named.
    ProfileAmbiguous = 1003, "profile_ambiguous", exit 12;
    /// The user said no.
    ConsentDenied = 1004, "consent_denied", exit 13;
    /// The user would have to be asked, and can't be now.
    ConsentRequired = 1005, "consent_required", exit 14;
    /// The account needs sign-in.
    AuthRequired = 1006, "auth_required", exit 15;
    /// A sign-in of this account is under way.
    AuthInProgress = 1007, "auth_in_progress", exit 16;
    /// The sign-in doesn't cover the scopes that were asked for.
    ScopeUnavailable = 1008, "scope_unavailable", exit 17;
    /// The token doesn't belong to this address.
    ResourceMismatch = 1009, "resource_mismatch", exit 18;
    /// The caller's own time ran out.
    Timeout = 1010, "timeout", exit 19;
    /// The server or its authorization server can't be reached now.
    ProviderUnreachable = 1011, "provider_unreachable", exit 20;
    /// The server or its authorization server answered something that can't be used.
    ProviderError = 1012, "provider_error", exit 21;
    /// Too much at once.
    Busy = 1013, "busy", exit 22;
    /// Neither keyring nor disk can keep what must be kept.
    StorageUnavailable = 1014, "storage_unavailable", exit 23;
    /// There is no room left.
    StorageFull = 1015, "storage_full", exit 24;
    /// The caller can't be told apart from others.
    CallerUnidentified = 1016, "caller_unidentified", exit 25;
    /// The two sides share no version of the protocol.
    ProtocolMismatch = 1020, "protocol_mismatch", exit 31;
    /// Another agent runs for this home already.
    AlreadyRunning = 1021, "already_running", exit 26;
    /// There is no MCP server at this address.
    NotMcpServer = 1022, "not_mcp_server", exit 27;
    /// The TLS connection can't be trusted.
    TlsFailure = 1023, "tls_failure", exit 28;
    /// A configuration file can't be read as it is.
    ConfigurationBroken = 1024, "configuration_broken", exit 29;
    /// The server needs no sign-in, so there is no token to give.
    NoTokenNeeded = 1025, "no_token_needed", exit 32;
    /// A profile of this name is there already.
    ProfileExists = 1026, "profile_exists", exit 33;
    /// Only the desktop that asks people may do that.
    DesktopOnly = 1027, "desktop_only", exit 34;
    /// The prompt or the remembered answer is not there any more.
    NotThere = 1028, "not_there", exit 35;
    /// The doctor has found something that doesn't work (made by the command).
    Broken = 1029, "broken", exit 36;
    /// Nobody listens on the agent's socket (made by the client).
    AgentUnreachable = 1030, "agent_unreachable", exit 30;
    /// `keybearer run` can't run the command (made by the command).
    CommandNotRunnable = 1032, "command_not_runnable", exit 126;
    /// `keybearer run` finds no such command (made by the command).
    CommandNotFound = 1033, "command_not_found", exit 127;
    /// The MCP client isn't here, so it is given no file.
    ClientNotInstalled = 1034, "client_not_installed", exit 37;
    /// The client's file has changed since the preview.
    ClientFileChanged = 1035, "client_file_changed", exit 38;
    /// Keybearer gives out no tokens for a while: a person said so.
    Paused = 1036, "paused", exit 39;
    /// What was asked makes no sense: an address that is none, an option that doesn't fit.
    Usage = 1031, "usage", exit 64;
    /// The line isn't JSON, or breaks a limit of the frame (REQ-F1, REQ-F2).
    ParseError = -32700, "parse_error", exit 70;
    /// The object isn't a request, or comes out of turn.
    InvalidRequest = -32600, "invalid_request", exit 70;
    /// No such method behind this door.
    MethodNotFound = -32601, "method_not_found", exit 70;
    /// The parameters don't fit the method.
    InvalidParams = -32602, "invalid_params", exit 70;
    /// A fault of Keybearer itself.
    Internal = -32603, "internal_error", exit 70;
}

impl ErrorCode {
    /// Whether the same request may work later without anybody doing anything.
    pub fn retryable(self) -> bool {
        matches!(self, ErrorCode::ProviderUnreachable | ErrorCode::Busy | ErrorCode::Timeout)
    }
}

/// The `error` member of a JSON-RPC answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ErrorObject {
    /// See [`ErrorCode::code`].
    pub code: i32,
    /// One line for people: what happened, what it means.
    pub message: String,
    /// What programs read.
    pub data: ErrorData,
}

/// The `error.data` member: what programs read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ErrorData {
    /// See [`ErrorCode::name`].
    pub name: String,
    /// The exact rule or event behind the code, such as `issuer_mismatch`. Stable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// See [`ErrorCode::retryable`].
    pub retryable: bool,
    /// Milliseconds to wait before the next try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
    /// What the user can do about it, such as `keybearer sign-in linear`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What of the account's authorization server would have to be accepted for it to go well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<Exception>,
}

impl ErrorObject {
    /// An error of this code with the sentence that people read.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        ErrorObject {
            code: code.code(),
            message: message.into(),
            data: ErrorData {
                name: code.name().to_owned(),
                reason: None,
                retryable: code.retryable(),
                retry_after_ms: None,
                action: None,
                exception: None,
            },
        }
    }

    /// The same with the exact reason.
    #[must_use]
    pub fn with_reason(mut self, reason: &str) -> Self {
        self.data.reason = Some(reason.to_owned());
        self
    }

    /// The same with what the user can do.
    #[must_use]
    pub fn with_action(mut self, action: impl Into<String>) -> Self {
        self.data.action = Some(action.into());
        self
    }

    /// The code, or [`ErrorCode::Internal`] for a number that this version doesn't know.
    pub fn known_code(&self) -> ErrorCode {
        ErrorCode::from_code(self.code).unwrap_or(ErrorCode::Internal)
    }
}

impl std::fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.data.name, self.message)
    }
}

impl std::error::Error for ErrorObject {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_and_names_are_unique_and_numbers_lead_back() {
        let numbers: HashSet<_> = ErrorCode::ALL.iter().map(|c| c.code()).collect();
        let names: HashSet<_> = ErrorCode::ALL.iter().map(|c| c.name()).collect();
        assert_eq!((numbers.len(), names.len()), (ErrorCode::ALL.len(), ErrorCode::ALL.len()));
        assert!(ErrorCode::ALL.iter().all(|c| ErrorCode::from_code(c.code()) == Some(*c)));
    }
}
