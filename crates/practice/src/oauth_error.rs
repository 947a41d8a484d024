//! Error answers in the words of OAuth: one code, one plain sentence, one status.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::dpop::ProofError;

/// The error codes this server uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Something is missing, doubled or malformed (RFC 6749 §5.2).
    InvalidRequest,
    /// The client is unknown or did not prove who it is (RFC 6749 §5.2).
    InvalidClient,
    /// The code or refresh token is not good, or not for this client (RFC 6749 §5.2).
    InvalidGrant,
    /// A grant type this server does not have (RFC 6749 §5.2).
    UnsupportedGrantType,
    /// A response type other than `code` (RFC 6749 §4.1.2.1).
    UnsupportedResponseType,
    /// A scope this server does not have, or that was not granted (RFC 6749 §5.2).
    InvalidScope,
    /// The resource is not this MCP server (RFC 8707 §2).
    InvalidTarget,
    /// The person said no (RFC 6749 §4.1.2.1).
    AccessDenied,
    /// Nobody has decided about the device yet (RFC 8628 §3.5).
    AuthorizationPending,
    /// The device asks too often (RFC 8628 §3.5).
    SlowDown,
    /// The device code is too old (RFC 8628 §3.5).
    ExpiredToken,
    /// A redirect URI that may not be registered (RFC 7591 §3.2.2).
    InvalidRedirectUri,
    /// Any other client metadata that may not be registered (RFC 7591 §3.2.2).
    InvalidClientMetadata,
    /// The proof is missing, or not good (RFC 9449 §5).
    InvalidDpopProof,
    /// The proof lacks this server's nonce (RFC 9449 §8).
    UseDpopNonce,
    /// The fault `refresh-500`.
    ServerError,
}

impl ErrorCode {
    /// The code as it is written in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::ServerError => "server_error",
        }
    }
}

/// A refusal: what the client's code reads, and what its author reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthError {
    /// What went wrong, for a program.
    pub code: ErrorCode,
    /// What went wrong, for a person; ASCII without quotation marks (RFC 6749 §5.2).
    pub description: String,
}

impl OAuthError {
    /// A refusal with this code and this sentence.
    pub fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        Self { code, description: description.into() }
    }

    fn status(&self) -> StatusCode {
        match self.code {
            ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
            ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::InvalidRequest
            | ErrorCode::InvalidGrant
            | ErrorCode::UnsupportedGrantType
            | ErrorCode::UnsupportedResponseType
            | ErrorCode::InvalidScope
            | ErrorCode::InvalidTarget
            | ErrorCode::AccessDenied
            | ErrorCode::AuthorizationPending
            | ErrorCode::SlowDown
            | ErrorCode::ExpiredToken
            | ErrorCode::InvalidRedirectUri
            | ErrorCode::InvalidClientMetadata
            | ErrorCode::InvalidDpopProof
            | ErrorCode::UseDpopNonce => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<ProofError> for OAuthError {
    fn from(error: ProofError) -> Self {
        let code = if error == ProofError::Nonce { ErrorCode::UseDpopNonce } else { ErrorCode::InvalidDpopProof };
        Self::new(code, error.to_string())
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.code, "error_description": self.description });
        let mut response = (self.status(), [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response();
        if self.code == ErrorCode::InvalidClient {
            // RFC 6749 §5.2 wants the challenge where the client tried the Authorization header; it does no harm elsewhere.
            let challenge = header::HeaderValue::from_static("Basic realm=\"practice\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
