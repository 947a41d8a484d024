//! The agent: core, sockets and gateway put together. It holds every secret, and links no window.

#![forbid(unsafe_code)]

/// The document that tells authorization servers who Keybearer is.
mod client_metadata;
/// The files of MCP clients.
mod clients;
/// The parts put together, from the folders to the open doors.
mod daemon;
/// The open doors, and whether they are still where callers look for them.
mod doors;
/// What an agent would find here.
mod examine;
/// The gateway's entrances.
mod gateway;
/// What keeps secrets out of reach of other programs of this user.
mod harden;
/// One agent for one home.
mod lock;
/// What the agent tells of itself.
mod log;
/// The process that asks for tokens.
mod refresh_worker;
/// Telling whoever started the agent that it is ready, or why it is not.
mod ready;
/// The door for containers and forwarded connections.
mod restricted_door;
/// What a service manager hands over and wants to hear.
mod service_manager;

use clap::Parser;
use keybearer_protocol::auth::CallbackKind;
use std::alloc::System;
use std::path::PathBuf;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// Wipes all memory as it is freed. What holds a secret and says so is wiped anyhow; this is for the copies in buffers of
/// libraries, which are dropped as they are.
#[global_allocator]
static WIPING: ZeroAlloc<System> = ZeroAlloc(System);

/// Keybearer's agent. `keybearer` starts it when it is needed; a service manager may as well.
#[derive(Parser, Debug)]
#[command(name = "keybearer-agent", version)]
struct Arguments {
    /// Keep everything in this folder instead of the user's own.
    #[arg(long, env = "KEYBEARER_HOME")]
    home: Option<PathBuf>,
    /// Leave the terminal: a session of its own, the log in a file, standard output closed once ready.
    #[arg(long)]
    detach: bool,
    /// Be no agent: print what one would find here, as JSON, and end.
    #[arg(long, conflicts_with = "detach")]
    examine: bool,
    /// Ask the accounts' servers for the time as well.
    #[arg(long, requires = "examine")]
    online: bool,
    /// Be no agent: ask for the tokens that the errand on standard input is about.
    #[arg(long, hide = true)]
    refresh_worker: bool,
    /// Be no agent: print the client metadata document for this address, or for the one that is set, and end.
    #[arg(long, conflicts_with_all = ["detach", "examine"], value_name = "URL", num_args = 0..=1)]
    client_metadata: Option<Option<String>>,
    /// With the redirect address of the desktop's scheme instead of the loopback ones.
    #[arg(long, requires = "client_metadata")]
    deep_link: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let home = arguments.home.filter(|home| !home.as_os_str().is_empty());
    if arguments.refresh_worker {
        return refresh_worker::run();
    }
    if arguments.examine {
        return examine::run(home.as_deref(), arguments.online);
    }
    if let Some(url) = arguments.client_metadata {
        let callback = if arguments.deep_link { CallbackKind::DeepLink } else { CallbackKind::Loopback };
        return client_metadata::run(home.as_deref(), url, callback);
    }
    match daemon::run(home.as_deref(), arguments.detach) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ready::failed(&error),
    }
}
