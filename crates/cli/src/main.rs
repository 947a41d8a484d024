//! The command. It asks the agent and prints the answer; it knows the words of the protocol and nothing else.

#![forbid(unsafe_code)]

/// What happened.
mod activity;
/// Starting and stopping the agent.
mod agent;
/// What can be typed.
mod arguments;
/// When Keybearer locks by itself.
mod auto_lock;
/// An MCP server of stdio: a pipe into the agent.
mod bridge;
/// The document that tells authorization servers who Keybearer is.
mod client_metadata;
/// The MCP clients of whoever types.
mod clients;
/// Asking before something is written.
mod confirm;
/// Reaching the agent, which starts when it is needed.
mod connection;
/// Log and settings for whoever helps.
mod diagnostics;
/// What Keybearer stands on, looked at.
mod doctor;
/// The gateway.
mod gateway;
/// The remembered answers.
mod grants;
/// Headers for MCP clients that run a helper for them.
mod headers;
/// Bringing in the servers that MCP clients have.
mod import;
/// Writing accounts into the files of MCP clients.
mod install;
/// What shells complete, and the manual.
mod manual;
/// What people and programs read: answers on standard output, one line of trouble on standard error.
mod output;
/// Reading a passphrase.
mod passphrase;
/// Giving out nothing for a while.
mod pause;
/// The practice server.
mod practice;
/// Adding, listing, showing, removing and renaming accounts.
mod profiles;
/// Containers and remote hosts.
mod restricted;
/// Raw requests.
mod rpc;
/// Running a command with an account's tokens.
mod run;
/// Signing in and out, and bringing callbacks.
mod sign_in;
/// How the agent and one account are.
mod status;
/// Tokens for programs.
mod token;
/// Accounts in a file, for another computer.
mod transfer;
/// Ways back.
mod undo;
/// Where everything lies.
mod vault;

use arguments::Arguments;
use clap::Parser;
use connection::Reach;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    // Programs ask for tokens often: the plain question needs no command line parser.
    if let [command, name] = words.as_slice()
        && let (Some("token"), Some(name)) = (command.to_str(), name.to_str())
        && !name.starts_with('-')
    {
        return output::finish(false, token::plain(&Reach::of_environment(), name));
    }
    match Arguments::try_parse() {
        Ok(Arguments { home, json, command }) => output::finish(json, command.run(&Reach::new(home), json)),
        Err(error) => output::finish_parsing(&error, words.iter().any(|word| word == "--json")),
    }
}
