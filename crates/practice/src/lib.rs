//! The practice server: an authorization server and an MCP server on loopback that really check what they are sent,
//! and that can be told to misbehave. It keeps everything in memory and knows nothing of the product it is used to try.

#![forbid(unsafe_code)]

/// The addresses one server answers at, which are also its ready line.
pub mod addresses;
/// What a person allowed, and the people.
pub mod authorization;
/// Codes, and what must be presented with one.
pub mod authorization_code;
/// The authorization endpoint and the person's decision.
pub mod authorize;
/// The stand-in for a browser and a person.
pub mod browse;
/// Clients, and how each proves who it is.
pub mod client;
/// Client ID Metadata Documents: a client id that is an address.
pub mod client_metadata_document;
/// The address from which tests count and disturb.
pub mod control;
/// What was counted.
pub mod counters;
/// Proofs that a client holds the key of its tokens.
pub mod dpop;
/// The ways the server can misbehave.
pub mod fault;
/// Why a code or token was refused.
pub mod grant_error;
/// Codes, tokens and the grants behind them, without a network or a clock.
pub mod grants;
/// The two metadata documents.
pub mod issuer;
/// Device authorization: a code for a device, and the page on which a person types it.
pub mod device;
/// Error answers in the words of OAuth.
pub mod oauth_error;
/// What a server is started with.
pub mod options;
/// The pages a person sees.
pub mod pages;
/// Request parameters, each present at most once.
pub mod parameters;
/// Everything one server shares among its requests.
pub mod practice;
/// Authorization requests that are pushed before a browser comes.
pub mod pushed_authorization;
/// Strings nobody can guess.
pub mod random;
/// Redirect URIs: which are allowed, and which are the same.
pub mod redirect_uri;
/// The registration endpoint.
pub mod registration;
/// The gate before the MCP server.
pub mod resource;
/// The revocation endpoint.
pub mod revocation;
/// The routes, and serving them.
pub mod server;
/// What became of one grant.
pub mod tally;
/// The token endpoint.
pub mod token;
/// The tools of the MCP server.
pub mod tools;
