//! `keybearer-practice serve` runs a practice server; `keybearer-practice browse` is a person who signs in at one.

#![forbid(unsafe_code)]

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
    net::Ipv4Addr,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use keybearer_practice::{
    addresses::Addresses,
    browse::{self, BrowseError, Carried, Person},
    options::Options,
    server,
};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

mod stop;

/// A little authorization server and MCP server on loopback, to try an MCP client without an account.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve on 127.0.0.1; prints one line of JSON with its addresses when it is ready
    Serve(Serve),
    /// Sign in at a practice server as a person with a browser would
    ///
    /// KEYBEARER_PRACTICE_ANSWER=deny denies; KEYBEARER_PRACTICE_ACCOUNT=grace picks the other account.
    Browse {
        /// The address of the consent page
        url: String,
        /// Print the address to come back to instead of going there
        #[arg(long)]
        print: bool,
    },
}

#[derive(Args)]
struct Serve {
    /// The port to listen on; 0 takes any
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Stop when standard input ends, too (also: KEYBEARER_PRACTICE_EXIT_WITH_PARENT=1)
    #[arg(long)]
    exit_with_parent: bool,
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_env("KEYBEARER_PRACTICE_LOG"))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    match Arguments::parse().command {
        Command::Serve(arguments) => {
            serve(arguments).await.map_or_else(|error| failed(&error, 1), |()| ExitCode::SUCCESS)
        }
        Command::Browse { url, print } => browse(&url, !print).await,
    }
}

async fn serve(arguments: Serve) -> io::Result<()> {
    let exit_with_parent =
        arguments.exit_with_parent || env::var("KEYBEARER_PRACTICE_EXIT_WITH_PARENT").is_ok_and(|value| value == "1");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await?;
    // The listener queues connections from here on, so a client that reads this line may connect at once.
    let addresses = Addresses::on(listener.local_addr()?.port());
    print_line(&serde_json::to_string(&addresses)?)?;
    tokio::select! {
        served = server::serve(listener, arguments.options) => served,
        stopped = stop::asked_to_stop(exit_with_parent) => stopped,
    }
}

async fn browse(url: &str, reaches_client: bool) -> ExitCode {
    let person = Person {
        allows: env::var("KEYBEARER_PRACTICE_ANSWER").as_deref() != Ok("deny"),
        account: env::var("KEYBEARER_PRACTICE_ACCOUNT").unwrap_or_else(|_| "ada".to_owned()),
        reaches_client,
    };
    match browse::browse(url, &person).await {
        Ok(Carried::Delivered | Carried::Done) => ExitCode::SUCCESS,
        Ok(Carried::ForApp(location)) => print_line(&location).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(error @ BrowseError::NotPractice) => failed(&error, 2),
        Err(error) => failed(&error, 1),
    }
}

fn print_line(line: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

fn failed(error: &dyn std::error::Error, code: u8) -> ExitCode {
    // Where standard error is gone, too, the exit code has to say it alone.
    let _ = writeln!(io::stderr(), "keybearer-practice: {error}");
    ExitCode::from(code)
}
