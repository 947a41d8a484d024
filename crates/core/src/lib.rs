//! What Keybearer is for: profiles, the vault, token life and sign-in. No window, no socket, no process.
//!
//! Modules stand in the order of the data's road; each imports only from those above it.

#![forbid(unsafe_code)]

/// The one place that reads the clock.
pub mod clock;
/// Sleeping until the machine's clock shows a time.
pub mod alarm;
/// The network's return.
pub mod connectivity;
/// The folders of one Keybearer, and how a file in them is replaced.
pub mod home;
/// What is sealed on the disk.
pub mod seal;
/// News for windows.
pub mod changes;
/// Who asks.
pub mod caller;
/// How much is shown of what programs say of themselves.
pub mod shown;
/// The answers that are remembered.
pub mod grants;
/// The keys of the gateway.
pub mod keys;
/// A database in a file of ours.
pub mod database;
/// What happened: who got which token, who was refused, what was changed.
pub mod activity;
/// When the computer slept.
pub mod slept;
/// The last day of an account's tokens.
pub mod timeline;
/// Profiles: what the user wrote down, in `servers.json`.
pub mod profile;
/// One job at a time, shared by all who want its result.
pub mod flight;
/// The OS keyring, owned by one thread; one item per account.
pub mod vault;
/// Accounts in a file, for another computer.
pub mod transfer;
/// A token request whose grant is good once.
pub mod token_request;
/// What was asked of authorization servers and not brought to its end yet.
pub mod journal;
/// The process that asks for tokens.
pub mod worker;
/// When a token is good, when it is renewed, what a failed renewal means.
pub mod refresh;
/// More access than a sign-in gave.
pub mod more_access;
/// Which account is to be renewed when.
pub mod schedule;
/// What the core needs from whoever speaks MCP.
pub mod upstream;
/// What the core needs from whoever knows the files of MCP clients.
pub mod clients;
/// A file in which a platform keeps a JWT fresh.
pub mod assertion_file;
/// Everything that can go wrong here, with its code and its words.
pub mod error;
/// How long an account waits after a renewal that came to nothing.
pub mod backoff;
/// The lock, as every part sees it at once.
pub mod lock;
/// The pause, as every part sees it at once.
pub mod pause;
/// When the agent locks by itself: the rules.
pub mod auto_lock;
/// What the system tells of the person and of sleep.
pub mod presence;
/// What must not be cut off when the agent stops.
pub mod busy;
/// The browser: opened without a shell.
pub mod browser;
/// The loopback address that a browser comes back to.
pub mod callback;
/// Whether links of Keybearer's scheme lead to its desktop.
pub mod links;
/// How a browser comes back, chosen and learned.
pub mod redirect;
/// Settings that people may edit.
pub mod settings;
/// How a sign-in stands, as its followers see it.
pub mod progress;
/// One account: its tokens and its sign-in.
pub mod account;
/// The questions that wait for a person.
pub mod prompts;
/// May this program use this account?
pub mod consent;
/// Programs that only ask once more.
pub mod repeats;
/// All accounts, found by name or address.
pub mod accounts;
/// Renews tokens ahead of their end.
pub mod renewals;
/// Ways back from what was removed or forgotten.
pub mod undo;
/// Locking, by hand and by itself.
pub mod locking;
/// News for whoever has subscribed.
pub mod events;
/// The words of the protocol, answered.
pub mod api;
/// What an agent would find here.
pub mod examination;
