//! MCP client authorization as a library of its own: from a server's URL to tokens, and back to nothing.
//!
//! No storage, no clock, no user interface. Each stage takes what the stage before it made:
//!
//! ```text
//! server_url → reach → resource_metadata → server_metadata → registration → authorization → token → revocation
//! ```
//!
//! From the registration on, a `client` speaks for itself at every endpoint.
//!
//! Requirement ids (`DISC-3`, `AUTHZ-6` …) are those of the table in `docs/authorization.md`.

#![forbid(unsafe_code)]

mod secret;
/// A stranger's words, made fit to be read by people.
pub mod readable;
/// Where an address lies: on this machine, in a private network, on the internet.
pub mod network;
/// The MCP server's address as the user wrote it, checked once.
pub mod server_url;
/// The system's resolver, held to what a server may lead to.
mod resolver;
/// What connections share of TLS.
mod tls;
/// The one way out to authorization servers: https or loopback only, bounded in size and time.
pub mod http;
/// What a `WWW-Authenticate` header says.
pub mod challenge;
/// The first contact: does the server want authorization, and is it an MCP server at all?
pub mod reach;
/// Protected resource metadata (RFC 9728): which authorization server guards the server.
pub mod resource_metadata;
/// Authorization server metadata (RFC 8414, OpenID Connect Discovery).
pub mod server_metadata;
/// A JWT that somebody else signed, as far as its bearer looks into it.
pub mod assertion;
/// A private key that signs for a client.
pub mod signing_key;
/// Tokens that are bound to a key, and the proofs that go with them (RFC 9449).
pub mod dpop;
/// What we say of ourselves: in a registration, or in a document whose address is the client ID.
pub mod client_metadata;
/// How the authorization server knows us: by hand, by metadata document, or by dynamic registration.
pub mod registration;
/// What is asked of an authorization server, from the first request to the tokens.
pub mod asked;
/// The client at its authorization server's endpoints: it says and proves who it is.
pub mod client;
/// Parameters that a user adds to authorization requests.
pub mod extra_parameters;
/// The authorization request and its answer: PKCE, `state`, `resource`, `iss`.
pub mod authorization;
/// What a token endpoint answers, read as real servers write it.
pub mod token_answer;
/// Pushed authorization requests (RFC 9126).
pub mod pushed_authorization;
/// Device authorization: a person signs in on any device, with a code to type (RFC 8628).
pub mod device_authorization;
/// The token endpoint: what is traded for tokens there, and how.
pub mod token;
/// An identity provider that vouches for a person at another authorization server (RFC 8693, ID-JAG).
pub mod identity_assertion;
/// Taking tokens back (RFC 7009).
pub mod revocation;

pub use http::{Http, HttpError};
pub use server_url::ServerUrl;
