//! The two metadata documents: what the protected resource says of itself (RFC 9728), and what the authorization server
//! says of itself (RFC 8414).

use std::convert::Infallible;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use crate::{device::DEVICE_CODE, dpop, fault::Fault, practice::Shared};

/// The scopes of the MCP server; `offline_access` is no scope of a resource and stands only at the issuer.
const RESOURCE_SCOPES: [&str; 2] = ["mcp:tools", "mcp:read"];

/// All scopes a client may ask for.
pub const SCOPES: [&str; 3] = ["mcp:tools", "mcp:read", "offline_access"];

/// The scope an MCP request needs, and what a client gets that asks for none.
pub const DEFAULT_SCOPE: &str = "mcp:tools";

/// Where the faults lead that name somebody else.
pub const OTHER_ISSUER: &str = "https://evil.example";

/// `GET /.well-known/oauth-protected-resource/mcp`
pub async fn protected_resource_metadata(State(practice): State<Shared>) -> Response {
    if practice.has(Fault::MetadataHuge) {
        return fifty_megabytes(&practice.addresses.mcp_url);
    }
    let resource = match practice.has(Fault::ResourceMismatch) {
        true => format!("{OTHER_ISSUER}/mcp"),
        false => practice.addresses.mcp_url.clone(),
    };
    let mut metadata = json!({
        "resource": resource,
        "authorization_servers": [practice.addresses.issuer],
        "scopes_supported": RESOURCE_SCOPES,
        "bearer_methods_supported": ["header"],
    });
    if practice.state().proofs.is_some() {
        metadata["dpop_bound_access_tokens_required"] = true.into();
        metadata["dpop_signing_alg_values_supported"] = json!([dpop::ALGORITHM]);
    }
    Json(metadata).into_response()
}

/// `GET /.well-known/oauth-authorization-server`
pub async fn authorization_server_metadata(State(practice): State<Shared>) -> Json<Value> {
    let addresses = &practice.addresses;
    let mut metadata = json!({
        "issuer": addresses.issuer,
        "authorization_endpoint": addresses.endpoint("/authorize"),
        "token_endpoint": addresses.endpoint("/token"),
        "registration_endpoint": addresses.endpoint("/register"),
        "revocation_endpoint": addresses.endpoint("/revoke"),
        "response_types_supported": ["code"],
        "device_authorization_endpoint": addresses.endpoint("/device_authorization"),
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_CODE],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "scopes_supported": SCOPES,
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": true,
    });
    if let Some(fields) = metadata.as_object_mut() {
        if practice.state().proofs.is_some() && !practice.has(Fault::NoDpopMetadata) {
            fields.insert("dpop_signing_alg_values_supported".to_owned(), json!([dpop::ALGORITHM]));
        }
        if practice.has(Fault::MetadataWrongIssuer) {
            fields.insert("issuer".to_owned(), OTHER_ISSUER.into());
        }
        if practice.has(Fault::NoPkceMetadata) {
            fields.remove("code_challenge_methods_supported");
        }
        if practice.has(Fault::PushedRequestsOnly) {
            fields.insert("pushed_authorization_request_endpoint".to_owned(), addresses.endpoint("/par").into());
            fields.insert("require_pushed_authorization_requests".to_owned(), true.into());
        }
        if practice.has(Fault::NoDevice) {
            fields.remove("device_authorization_endpoint");
        }
        if practice.has(Fault::NoRegistration) {
            fields.remove("registration_endpoint");
        }
    }
    Json(metadata)
}

/// A document that never shows its end: a client must stop reading by itself.
fn fifty_megabytes(resource: &str) -> Response {
    const CHUNK: Bytes = Bytes::from_static(&[b'x'; 50_000]);
    let head = Bytes::from(format!(r#"{{"resource":"{resource}","padding":""#));
    let chunks = std::iter::once(head).chain(std::iter::repeat_n(CHUNK, 1000)).chain([Bytes::from_static(b"\"}")]);
    let body = Body::from_stream(stream::iter(chunks.map(Ok::<_, Infallible>)));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
