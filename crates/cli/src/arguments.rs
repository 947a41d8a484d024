//! What can be typed.

use crate::connection::Reach;
use crate::output::Failure;
use crate::{
    activity, agent, auto_lock, bridge, client_metadata, diagnostics, doctor, gateway, grants, headers, import,
    install, manual, pause, practice, profiles, restricted, rpc, run, sign_in, status, token, transfer, undo, vault,
};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use keybearer_protocol::activity::{ActivityFilter, ActivityKind};
use keybearer_protocol::auth::CallbackKind;
use keybearer_protocol::clients::{CLIENTS, ClientMode};
use keybearer_protocol::exception::Exception;
use keybearer_protocol::profile::AuthType;
use keybearer_protocol::token::DEFAULT_MIN_TTL;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Sign in once per MCP server; every MCP client on this machine gets a fresh token.
#[derive(Parser, Debug)]
#[command(name = "keybearer", version, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 10 locked, 11 no such account, 15 needs sign-in, 20 server unreachable, \
    64 wrong usage; docs/troubleshooting.md has all of them.")]
pub(crate) struct Arguments {
    /// Keep everything in this folder instead of the user's own [env: KEYBEARER_HOME]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Answer in JSON; errors too, on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Add an account for an MCP server, and sign in
    Add(AddArguments),
    /// Change how an account signs in
    Change(ChangeArguments),
    /// List the accounts
    List,
    /// Show all that is not secret about an account
    Show(Named),
    /// Remove an account and its tokens from this machine
    Remove(Named),
    /// Take back what remove or grants revoke has just done; once the window has run, only the window does it
    Undo {
        /// What the command has named
        id: String,
    },
    /// Give an account another name
    Rename {
        /// The account's name
        name: String,
        /// Its new name
        new_name: String,
    },
    /// Sign in with the browser, and wait for it
    SignIn(SignInArguments),
    /// Bring the address that a sign-in came back to (- reads it from standard input)
    Callback {
        /// The whole address
        url: String,
    },
    /// Delete an account's tokens here and revoke them at the server
    SignOut(Named),
    /// Print a fresh access token
    Token(TokenArguments),
    /// Print the headers that authorize a request, as a JSON object
    Headers(HeadersArguments),
    /// Be an MCP server of stdio: what a client says goes to the account's server, with the token added
    Bridge(Named),
    /// Write all accounts into a file for another computer: without secrets, or with sign-ins and sealed
    Export(ExportArguments),
    /// Bring in the servers that MCP clients on this machine have already, or the accounts of a file that export wrote
    Import(ImportArguments),
    /// Have an MCP client use accounts, by an entry in its own file; alone, see which clients there are
    Install(InstallArguments),
    /// Run a command that gets an account's tokens over a connection it inherits, or one token in a variable
    Run(RunArguments),
    /// See whether an account works, with a real tools/list
    Test(Named),
    /// See how Keybearer is
    Status,
    /// Look at all that Keybearer stands on, and say what to do where something is wrong
    Doctor {
        /// Ask the accounts' servers for the time as well
        #[arg(long)]
        online: bool,
    },
    /// Collect log and settings for whoever helps you, with everything secret removed; read it before you hand it on
    Diagnostics(DiagnosticsArguments),
    /// See which programs may use an account, and take that back
    Grants(GrantsArguments),
    /// See how the gateway stands, which lets MCP clients use an account at an address of this machine, and make keys for it
    Gateway {
        #[command(subcommand)]
        action: Option<GatewayAction>,
    },
    /// See and choose which accounts containers and remote hosts may ask for; to allow one, once the window has run, only the
    /// window does it
    Restricted {
        #[command(subcommand)]
        action: Option<RestrictedAction>,
    },
    /// See what happened: who got which token, who was refused, what was changed
    Activity(ActivityArguments),
    /// Give out nothing until it is unlocked, and drop tokens from memory
    Lock,
    /// Give out nothing for a while, and go on renewing tokens
    Pause(PauseArguments),
    /// End a pause before its time; once the window has run, only the window does it
    Resume,
    /// End the lock; once the window has run, only the window does it, or whoever knows the vault's passphrase
    Unlock(UnlockArguments),
    /// See and choose when Keybearer locks by itself; to lock less, once the window has run, only the window does it
    AutoLock(AutoLockArguments),
    /// See where sign-ins are kept, and keep them somewhere else
    Vault {
        #[command(subcommand)]
        action: VaultAction,
    },
    /// Print the document that tells authorization servers who Keybearer is, to lay at an https address of yours
    ClientMetadata(ClientMetadataArguments),
    /// Send requests to the agent: '{"method": "profile.list", "params": {}}'
    Rpc(RpcArguments),
    /// Run a practice server on this machine, to try Keybearer without an account
    Practice(PracticeArguments),
    /// Print what a shell needs to complete this command: source <(keybearer completions bash)
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual: keybearer man | man -l -
    Man {
        /// Write a page for each command into this folder instead
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
    },
    /// Start, stop or see the agent
    Agent {
        #[command(subcommand)]
        action: AgentAction,
    },
}

#[derive(Args, Debug)]
pub(crate) struct PauseArguments {
    /// For how long, such as 15m, a day at most; without it, until `keybearer resume`
    #[arg(long = "for", value_name = "TIME", value_parser = minutes)]
    pub(crate) minutes: Option<u32>,
}

#[derive(Args, Debug)]
pub(crate) struct DiagnosticsArguments {
    /// The file to write, which isn't there yet; without it all is printed
    pub(crate) file: Option<PathBuf>,
    /// Without the names of accounts and servers
    #[arg(long)]
    pub(crate) without_names: bool,
}

#[derive(Args, Debug)]
pub(crate) struct UnlockArguments {
    /// Read the vault's passphrase from standard input instead of asking for it
    #[arg(long)]
    pub(crate) passphrase_stdin: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum VaultAction {
    /// See which vault is in use, and whether it works
    Status,
    /// Move everything to another vault: all of it or nothing
    Move(MoveArguments),
    /// Change the passphrase of the sealed vault
    Passphrase {
        /// Read the passphrase so far and the new one from standard input, one on a line
        #[arg(long)]
        passphrase_stdin: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct MoveArguments {
    /// The system's keyring, or a sealed file, whose key the keyring keeps unless it has a passphrase
    #[arg(value_enum)]
    pub(crate) to: Place,
    /// Give the sealed file a passphrase, asked for at the terminal
    #[arg(long)]
    pub(crate) passphrase: bool,
    /// The same, with the passphrase from standard input
    #[arg(long)]
    pub(crate) passphrase_stdin: bool,
}

/// Where everything can lie.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Place {
    Keyring,
    Sealed,
}

#[derive(Args, Debug)]
pub(crate) struct Named {
    /// The account's name, or its server's address
    pub(crate) name: String,
}

#[derive(Args, Debug)]
pub(crate) struct AddArguments {
    /// The MCP server's address
    pub(crate) url: String,
    /// The account's name [default: made from the address]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// How the account signs in: auto looks at the server, then decides
    #[arg(long, value_parser = auth_type(), default_value = "auto")]
    pub(crate) auth: AuthType,
    /// A client ID that was registered by hand
    #[arg(long)]
    pub(crate) client_id: Option<String>,
    /// The authorization server to sign in at: where that client is registered, or where the server names none
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// The redirect address that this client was registered with [default: http://127.0.0.1:PORT/callback, 47821 to 47830]
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(crate) redirect_uri: Option<String>,
    /// A scope to ask for, instead of those that the server names
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// A further parameter of the sign-in, such as access_type=offline
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) parameters: Vec<(String, String)>,
    /// Don't tell the authorization server which resource the tokens are for, where it can't bear that
    #[arg(long)]
    pub(crate) no_resource: bool,
    /// Accept this of the authorization server, although it weakens a check
    #[arg(long = "accept", value_name = "EXCEPTION", value_parser = exception())]
    pub(crate) exceptions: Vec<Exception>,
    /// Read the client secret, workload's JWT, bearer token, header value or password from standard input
    #[arg(long)]
    pub(crate) secret_stdin: bool,
    /// The file in which your platform keeps a JWT fresh: the workload's for --auth workload, your ID token for --auth
    /// enterprise
    #[arg(long, value_name = "PATH", visible_alias = "subject-token-file")]
    pub(crate) assertion_file: Option<PathBuf>,
    /// Your company's identity provider, for --auth enterprise
    #[arg(long, value_name = "URL", requires = "idp_client_id")]
    pub(crate) idp: Option<String>,
    /// Keybearer's client ID at the identity provider
    #[arg(long, value_name = "ID", requires = "idp")]
    pub(crate) idp_client_id: Option<String>,
    /// Read your ID token from standard input, for --auth enterprise; with --secret-stdin it is the last line, after the
    /// client secret
    #[arg(long)]
    pub(crate) subject_token_stdin: bool,
    /// The header's name, for --auth header
    #[arg(long, value_name = "NAME")]
    pub(crate) header: Option<String>,
    /// The user's name, for --auth basic
    #[arg(long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// Only write the account down
    #[arg(long)]
    pub(crate) no_sign_in: bool,
    /// Print the address to open instead of opening a browser
    #[arg(long)]
    pub(crate) no_browser: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "An empty text takes away what there is: --client-id '' --issuer '' --scope '' --parameter NAME="
)]
pub(crate) struct ChangeArguments {
    /// The account's name, or its server's address
    pub(crate) name: String,
    /// A client ID that was registered by hand
    #[arg(long)]
    pub(crate) client_id: Option<String>,
    /// The authorization server to sign in at: where that client is registered, or where the server names none
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// The redirect address that the client was registered with
    #[arg(long, value_name = "URL")]
    pub(crate) redirect_uri: Option<String>,
    /// A scope to ask for, instead of those that the server names; all that there are, one option each
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// A further parameter of the sign-in, such as access_type=offline
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) parameters: Vec<(String, String)>,
    /// Tell the authorization server which resource the tokens are for, as it should be
    #[arg(long, conflicts_with = "no_resource")]
    pub(crate) resource: bool,
    /// Don't tell it, where it can't bear that
    #[arg(long)]
    pub(crate) no_resource: bool,
    /// Accept this of the authorization server, although it weakens a check; once the window has run, the window does it
    #[arg(long = "accept", value_name = "EXCEPTION", value_parser = exception())]
    pub(crate) exceptions: Vec<Exception>,
    /// Who gets its tokens without being asked about; once the window has run, only the window asks less
    #[arg(long, value_name = "WHO")]
    pub(crate) approval: Option<Approvals>,
    /// Accept nothing any more that the rules refuse
    #[arg(long, conflicts_with = "exceptions")]
    pub(crate) accept_nothing: bool,
    /// Read the client secret, workload's JWT, bearer token, header value or password from standard input
    #[arg(long)]
    pub(crate) secret_stdin: bool,
    /// Read your ID token from standard input, for --auth enterprise; with --secret-stdin it is the last line, after the
    /// client secret
    #[arg(long)]
    pub(crate) subject_token_stdin: bool,
}

/// Who is asked about an account.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Approvals {
    /// As it is chosen for all accounts
    AsAll,
    /// Each program is asked about
    Ask,
    /// No program of yours is
    SameUser,
}

#[derive(Args, Debug)]
#[command(
    after_help = "A file with sign-ins is for moving to another computer: many sign-in services end a sign-in that is renewed \
                  in two places. Once Keybearer's window has run, only the window writes one."
)]
pub(crate) struct ExportArguments {
    /// The file; it replaces only another one of its kind
    pub(crate) file: PathBuf,
    /// With what signs the accounts in, sealed under a passphrase
    #[arg(long)]
    pub(crate) with_sign_ins: bool,
    /// Read the passphrase from standard input
    #[arg(long, requires = "with_sign_ins")]
    pub(crate) passphrase_stdin: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "Files are read and not changed, and no token is taken over: sign in once more.")]
pub(crate) struct ImportArguments {
    /// The accounts of this file instead
    #[arg(conflicts_with_all = ["from", "dry_run", "yes"])]
    pub(crate) file: Option<PathBuf>,
    /// Read the passphrase of a sealed file from standard input
    #[arg(long, requires = "file")]
    pub(crate) passphrase_stdin: bool,
    /// Only what this client has; repeat it for more
    #[arg(long, value_name = "CLIENT", value_parser = PossibleValuesParser::new(CLIENTS))]
    pub(crate) from: Vec<String>,
    /// Show what there is, and add nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Add them without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "A copy of the file as it was is kept beside it. What is written for each client stands in docs/clients.md."
)]
pub(crate) struct InstallArguments {
    /// The client
    #[arg(value_parser = PossibleValuesParser::new(CLIENTS))]
    pub(crate) client: Option<String>,
    /// The accounts: names, or addresses of their servers; with --undo, none means all
    #[arg(value_name = "NAME", requires = "client")]
    pub(crate) names: Vec<String>,
    /// How the client gets its tokens [default: the best way that it can take]
    #[arg(long, value_parser = client_mode(), requires = "names")]
    pub(crate) mode: Option<ClientMode>,
    /// Show what would be written, and write nothing
    #[arg(long, requires = "names")]
    pub(crate) dry_run: bool,
    /// Take back what was written
    #[arg(long, requires = "client", conflicts_with_all = ["mode", "dry_run"])]
    pub(crate) undo: bool,
    /// Write it without asking
    #[arg(long, requires = "client")]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct SignInArguments {
    /// The account's name, or its server's address
    pub(crate) name: String,
    /// Print the address to open instead of opening a browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// How the browser is to come back, where the server accepts it
    #[arg(long, value_name = "WAY")]
    pub(crate) callback: Option<Callback>,
    /// Sign in on any device, which may be another computer or a phone, with a code to type there
    #[arg(long, conflicts_with = "callback")]
    pub(crate) device: bool,
    /// Register Keybearer anew at the authorization server, such as after it has forgotten it
    #[arg(long)]
    pub(crate) register_again: bool,
    /// End the sign-in that is open
    #[arg(long, conflicts_with_all = ["no_browser", "callback", "device", "register_again"])]
    pub(crate) cancel: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ClientMetadataArguments {
    /// The address where the document will lie, and Keybearer's client ID with it [default: the one in use; env:
    /// KEYBEARER_CLIENT_METADATA_URL]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// How browsers come back to the client of this document
    #[arg(long, value_name = "WAY", default_value = "loopback")]
    pub(crate) callback: Callback,
    /// Sign in with the document at this address from now on, at servers that take one
    #[arg(long = "use", requires = "url")]
    pub(crate) put_to_use: bool,
    /// Don't sign in with a document any more
    #[arg(long, conflicts_with_all = ["url", "put_to_use", "callback"])]
    pub(crate) forget: bool,
}

#[derive(Args, Debug)]
pub(crate) struct AutoLockArguments {
    /// When you haven't used Keybearer for this long, such as 15m; never ends that
    #[arg(long, value_name = "TIME", value_parser = idle_seconds)]
    pub(crate) after: Option<u32>,
    /// When the screen locks
    #[arg(long, value_name = "ON|OFF")]
    pub(crate) with_screen: Option<Switch>,
    /// Before the computer sleeps
    #[arg(long, value_name = "ON|OFF")]
    pub(crate) before_sleep: Option<Switch>,
}

/// Whether something is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    /// It is
    On,
    /// It is not
    Off,
}

#[derive(Args, Debug)]
#[command(
    after_help = "With --json each row is one line of JSON; without --limit that is all of them, the oldest first."
)]
pub(crate) struct ActivityArguments {
    /// Only what happened to this account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Only what this program did: its name, its executable or its script
    #[arg(long, value_name = "PROGRAM")]
    program: Option<String>,
    /// Only rows of this kind, such as token_given; repeat it for more
    #[arg(long = "kind", value_name = "KIND", value_parser = activity_kind)]
    kinds: Vec<ActivityKind>,
    /// The last so many rows [default: 50; 10 with --follow; all with --json]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u32>,
    /// Go on with what happens from now on, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Check that every row is as it was written
    #[arg(long, conflicts_with_all = ["account", "program", "kinds", "limit", "follow"])]
    pub(crate) verify: bool,
    /// Keep the record under another name and begin a new one, such as when this one was meddled with
    #[arg(long, conflicts_with_all = ["account", "program", "kinds", "limit", "follow", "verify"])]
    pub(crate) set_aside: bool,
}

impl ActivityArguments {
    /// Which rows are meant.
    pub(crate) fn filter(&self) -> ActivityFilter {
        let Self { account, program, kinds, .. } = self;
        ActivityFilter { profile: account.clone(), program: program.clone(), kinds: kinds.clone() }
    }
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct GrantsArguments {
    /// Only those for this account
    pub(crate) name: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Option<GrantsCommand>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum GrantsCommand {
    /// Forget an answer: the program is asked about again
    Revoke {
        /// The answer, as the list names it
        id: String,
    },
}

/// How a browser comes back.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Callback {
    /// By the scheme app.keybearer:, which the window answers
    DeepLink,
    /// To a port of this machine
    Loopback,
}

impl SignInArguments {
    /// A plain sign-in of this account.
    pub(crate) fn of(name: &str, no_browser: bool) -> Self {
        let name = name.to_owned();
        SignInArguments { name, no_browser, callback: None, device: false, register_again: false, cancel: false }
    }
}

impl From<Callback> for CallbackKind {
    fn from(callback: Callback) -> CallbackKind {
        match callback {
            Callback::DeepLink => CallbackKind::DeepLink,
            Callback::Loopback => CallbackKind::Loopback,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct TokenArguments {
    /// The account's name, or its server's address
    pub(crate) name: String,
    /// Seconds the token must still be good for
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_MIN_TTL)]
    pub(crate) min_ttl: u32,
    /// A scope that the token must cover
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// Refresh it even if it looks good
    #[arg(long)]
    pub(crate) force: bool,
    /// Never ask for consent; fail instead
    #[arg(long)]
    pub(crate) no_prompt: bool,
    /// Why you ask, for keybearer activity
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Wait this long at most, such as 500ms, 90s or 2m
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "150s")]
    pub(crate) timeout: Duration,
}

#[derive(Args, Debug)]
#[command(
    after_help = "The command's own exit code is that of `keybearer run`; 126 and 127 say that it can't be run, or isn't \
    there. What KEYBEARER_FD is for stands in docs/protocol.md."
)]
pub(crate) struct RunArguments {
    /// The account's name, or its server's address
    pub(crate) name: String,
    /// Put one token into this variable; it isn't renewed, and other programs of yours can read it there
    #[arg(long, value_name = "VAR")]
    pub(crate) env: Option<String>,
    /// Give it a connection that gets fresh tokens of this account as long as it runs; its number is in KEYBEARER_FD (default)
    #[arg(long, conflicts_with = "env")]
    pub(crate) fd: bool,
    /// Never ask for consent; fail instead
    #[arg(long)]
    pub(crate) no_prompt: bool,
    /// The command with its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum RestrictedAction {
    /// Let containers and remote hosts ask for this account: you are asked about each token
    Allow(Named),
    /// Take that back
    Disallow(Named),
}

#[derive(Subcommand, Debug)]
pub(crate) enum GatewayAction {
    /// Make a key for one client and account, and show it this once; after the window has run, only the window does it
    Key(GatewayKeyArguments),
}

#[derive(Args, Debug)]
pub(crate) struct GatewayKeyArguments {
    /// The account's name, or its server's address
    pub(crate) name: String,
    /// What the client is called, such as Cursor
    #[arg(long)]
    pub(crate) client: String,
}

#[derive(Args, Debug)]
pub(crate) struct HeadersArguments {
    /// The account's name, or its server's address [default: what the calling MCP client names in its environment]
    pub(crate) name: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct RpcArguments {
    /// The request; - reads requests from standard input, one on a line, and answers each with a line
    pub(crate) request: String,
    /// Ask at the door for Keybearer's own programs
    #[arg(long)]
    pub(crate) admin: bool,
    /// Then print what the requests have subscribed to, a line for each piece of news, until the agent ends
    #[arg(long)]
    pub(crate) follow: bool,
}

#[derive(Args, Debug)]
pub(crate) struct PracticeArguments {
    /// The port to listen on; 0 takes any
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Seconds that an access token is good for
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) token_lifetime: u32,
}

#[derive(Clone, Copy, Subcommand, Debug)]
pub(crate) enum AgentAction {
    /// Start it; exit code 26 says that it runs already
    Start,
    /// Stop it
    Stop,
    /// See whether it runs
    Status,
}

impl Command {
    /// Does what was typed.
    pub(crate) fn run(self, reach: &Reach, json: bool) -> Result<(), Failure> {
        match self {
            Command::Add(arguments) => profiles::add(reach, arguments, json),
            Command::Change(arguments) => profiles::change(reach, arguments, json),
            Command::List => profiles::list(reach, json),
            Command::Show(named) => profiles::show(reach, named, json),
            Command::Remove(named) => profiles::remove(reach, named, json),
            Command::Undo { id } => undo::undo(reach, id, json),
            Command::Rename { name, new_name } => profiles::rename(reach, name, new_name, json),
            Command::SignIn(SignInArguments { name, cancel: true, .. }) => sign_in::cancel(reach, name, json),
            Command::SignIn(arguments) => sign_in::sign_in(reach, &arguments, json),
            Command::Callback { url } => sign_in::callback(reach, url, json),
            Command::SignOut(named) => sign_in::sign_out(reach, named, json),
            Command::Token(arguments) => token::token(reach, arguments, json),
            Command::Headers(arguments) => headers::headers(reach, arguments),
            Command::Bridge(named) => bridge::bridge(reach.clone(), named.name),
            Command::Export(arguments) => transfer::export(reach, &arguments, json),
            Command::Import(arguments) => import::import(reach, arguments, json),
            Command::Install(arguments) => install::install(reach, arguments, json),
            Command::Run(arguments) => run::run(reach, arguments),
            Command::Gateway { action } => gateway::gateway(reach, action, json),
            Command::Restricted { action } => restricted::restricted(reach, action, json),
            Command::Test(named) => status::test(reach, named, json),
            Command::Grants(arguments) => grants::grants(reach, arguments, json),
            Command::Activity(arguments) => activity::activity(reach, arguments, json),
            Command::Lock => status::lock(reach, json),
            Command::Pause(arguments) => pause::pause(reach, arguments.minutes, json),
            Command::Resume => pause::resume(reach, json),
            Command::Unlock(arguments) => status::unlock(reach, arguments.passphrase_stdin, json),
            Command::AutoLock(arguments) => auto_lock::auto_lock(reach, arguments, json),
            Command::Vault { action: VaultAction::Status } => vault::status(reach, json),
            Command::Vault { action: VaultAction::Move(arguments) } => vault::move_to(reach, &arguments, json),
            Command::Vault { action: VaultAction::Passphrase { passphrase_stdin } } => {
                vault::passphrase(reach, passphrase_stdin, json)
            }
            Command::Status => status::status(reach, json),
            Command::Doctor { online } => doctor::doctor(reach, online, json),
            Command::Diagnostics(arguments) => diagnostics::diagnostics(reach, &arguments, json),
            Command::ClientMetadata(arguments) => client_metadata::client_metadata(reach, arguments, json),
            Command::Rpc(arguments) => rpc::rpc(reach, &arguments),
            Command::Completions { shell } => manual::completions(shell),
            Command::Man { into } => manual::man(into.as_deref()),
            Command::Practice(arguments) => practice::run(&arguments),
            Command::Agent { action: AgentAction::Start } => agent::start(reach, json),
            Command::Agent { action: AgentAction::Stop } => agent::stop(reach, json),
            Command::Agent { action: AgentAction::Status } => agent::status(reach, json),
        }
    }
}

/// The words for [`AuthType`].
fn auth_type() -> impl TypedValueParser<Value = AuthType> {
    let words = PossibleValuesParser::new(AuthType::WORDS.map(|(word, _)| word));
    words.map(|given| {
        AuthType::WORDS.into_iter().find(|(word, _)| *word == given).map(|(_, auth)| auth).unwrap_or_default()
    })
}

/// The words for [`Exception`].
fn exception() -> impl TypedValueParser<Value = Exception> {
    let words = PossibleValuesParser::new(Exception::WORDS.map(|(word, _)| word));
    words.try_map(|given| {
        let known = Exception::WORDS.into_iter().find(|(word, _)| *word == given);
        known.map(|(_, exception)| exception).ok_or("there is no such exception")
    })
}

/// The words for [`ClientMode`].
fn client_mode() -> impl TypedValueParser<Value = ClientMode> {
    let words = PossibleValuesParser::new(ClientMode::WORDS.map(|(word, _)| word));
    words.try_map(|given| {
        let known = ClientMode::WORDS.into_iter().find(|(word, _)| *word == given);
        known.map(|(_, mode)| mode).ok_or("there is no such way")
    })
}

/// The word for an [`ActivityKind`], as rows have it.
fn activity_kind(word: &str) -> Result<ActivityKind, String> {
    serde_json::from_value(word.into()).map_err(|_| "rows of this kind don't exist".to_owned())
}

/// A parameter such as `access_type=offline`.
fn parameter(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or_else(|| "a parameter looks like access_type=offline".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A time such as `500ms`, `90s`, `2m` or `90`, which are seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 = number.parse().map_err(|_| "a time looks like 500ms, 90s or 2m".to_owned())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "" | "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        _ => Err("a time ends in ms, s or m".to_owned()),
    }
}

/// A time without a sign of the person, in seconds; 0 where no time is too long.
fn idle_seconds(text: &str) -> Result<u32, String> {
    if text == "never" {
        return Ok(0);
    }
    let secs = u32::try_from(duration(text)?.as_secs()).unwrap_or(u32::MAX);
    if secs == 0 { Err("that is less than a second".to_owned()) } else { Ok(secs) }
}

/// A time in whole minutes, such as `15m` or `2h`.
fn minutes(text: &str) -> Result<u32, String> {
    let secs = match text.strip_suffix('h').map(str::parse::<u64>) {
        Some(hours) => hours.map_err(|_| "a time looks like 15m or 2h".to_owned())?.saturating_mul(3600),
        None => duration(text)?.as_secs(),
    };
    match u32::try_from(secs / 60) {
        Ok(minutes @ 1..=1440) if secs % 60 == 0 => Ok(minutes),
        Ok(_) | Err(_) => Err("a pause takes whole minutes, and a day at most".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_have_units() {
        let parsed = ["500ms", "90s", "2m", "90"].map(|text| duration(text).map(|time| time.as_millis()));
        assert_eq!(parsed, [Ok(500), Ok(90_000), Ok(120_000), Ok(90_000)]);
        assert!(["", "s", "1h", "-1s", "1.5s"].into_iter().all(|text| duration(text).is_err()));
        assert_eq!(["never", "2s", "15m"].map(idle_seconds), [Ok(0), Ok(2), Ok(900)]);
        assert!(["0", "900ms", "ever"].into_iter().all(|text| idle_seconds(text).is_err()));
    }
}
