//! The words on Keybearer's sockets. A leaf crate: data and tables, no I/O and no rules.
//!
//! The wire is JSON-RPC 2.0, one object per line (REQ-F1). A method is a type that implements
//! [`Method`]: its name, the doors that answer it, its parameters and its reply.

#![forbid(unsafe_code)]

/// One account: its state, sign-out, a real test of it.
pub mod account;
/// What was given to whom, and what changed.
pub mod activity;
/// The agent itself: is it there, how is it, lock it, stop it.
pub mod agent;
/// Sign-in: start, follow, cancel, and the one entry of every callback.
pub mod auth;
/// A connection that becomes a pipe to an account's server.
pub mod bridge;
/// The MCP clients on this computer, and how an account is written into their files.
pub mod clients;
/// What a person can hand to whoever helps them.
pub mod diagnostics;
/// The envelope of an MCP message that passes by.
pub mod envelope;
/// What a person may accept of an authorization server although the rules refuse it.
pub mod exception;
/// What can go wrong: stable codes, names, and the command's exit codes.
pub mod error;
/// News that come unasked.
pub mod events;
/// What an agent would find if it were started.
pub mod examination;
/// The gateway: addresses of this machine that lead to an account's server.
pub mod gateway;
/// The answers to prompts that are remembered.
pub mod grant;
/// What a method is, and which socket answers it.
pub mod method;
/// Every method.
pub mod methods;
/// Profiles: what the user wrote down about a server and an account.
pub mod profile;
/// The processes that ask for tokens.
pub mod program;
/// What the desktop asks a person.
pub mod prompt;
/// A request that isn't wanted any more.
pub mod request;
/// The accounts that containers and forwarded connections may ask for.
pub mod restricted;
/// The JSON-RPC 2.0 envelope.
pub mod rpc;
/// Where a program lives that isn't an ordinary one of this user.
pub mod sandbox;
/// The words on the wire as JSON Schema.
#[cfg(feature = "schema")]
pub mod schema;
/// How a secret is written: only where a type says so, field by field.
pub mod secret;
/// The handshake that opens every connection.
pub mod session;
/// How Keybearer looks and behaves.
pub mod settings;
/// The last day of an account's tokens.
pub mod timeline;
/// Tokens and headers for programs.
pub mod token;
/// Accounts in a file, for another computer.
pub mod transfer;
/// Ways back from what was removed or forgotten.
pub mod undo;
/// The vault: where secrets lie, and how they are moved to another one.
pub mod vault;

pub use error::{ErrorCode, ErrorObject};
pub use method::{Door, Method};
