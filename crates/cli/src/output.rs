//! What people and programs read: answers on standard output, one line of trouble on standard error.

use keybearer_ipc::client::ClientError;
use keybearer_protocol::profile::{AccountStatus, AccountView};
use keybearer_protocol::{ErrorCode, ErrorObject};
use serde::Serialize;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) ErrorObject);

impl From<ErrorObject> for Failure {
    fn from(error: ErrorObject) -> Failure {
        Failure(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        Failure(error.into())
    }
}

impl Failure {
    /// What was typed makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure(ErrorObject::new(ErrorCode::Usage, message))
    }
}

/// Ends the command: its exit code, and for a failure one line.
pub(crate) fn finish(json: bool, outcome: Result<(), Failure>) -> ExitCode {
    let Err(Failure(error)) = outcome else { return ExitCode::SUCCESS };
    let line = match json {
        true => serde_json::to_string(&error).unwrap_or_else(|_| error.to_string()),
        false => {
            let action = error.data.action.as_ref().map(|action| format!(" (what to do: {action})"));
            format!("keybearer: {error}{}", action.unwrap_or_default())
        }
    };
    note(&line);
    ExitCode::from(error.known_code().exit())
}

/// Ends a command that was not understood, or that only asked for help.
pub(crate) fn finish_parsing(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        let text = error.to_string();
        // The first paragraph says what is wrong; usage and hints follow.
        let said: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
        return finish(true, Err(Failure::usage(said.join(" ").trim_start_matches("error: "))));
    }
    // Where neither stream can be written to, the exit code says it alone.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(ErrorCode::Usage.exit()) } else { ExitCode::SUCCESS }
}

/// Writes a line of the answer.
pub(crate) fn answer(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map_err(|error| {
        Failure(ErrorObject::new(ErrorCode::Internal, format!("the answer can't be written: {error}")))
    })
}

/// Writes one of many lines, for whoever reads them as they come; breaks off when nobody does any more.
pub(crate) fn stream(line: &str) -> Result<ControlFlow<()>, Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => {
            Err(ErrorObject::new(ErrorCode::Internal, format!("the answer can't be written: {error}")).into())
        }
    }
}

/// Writes the answer as JSON.
pub(crate) fn answer_json(value: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(value);
    answer(&line.map_err(|_| Failure(ErrorObject::new(ErrorCode::Internal, "the answer can't be written as JSON")))?)
}

/// Writes a line beside the answer. Nobody may be reading it.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A name as it can be typed.
pub(crate) fn quoted(name: &str) -> String {
    if name.contains(' ') { format!("'{name}'") } else { name.to_owned() }
}

/// Writes a line of what somebody is asked about, or, where nothing else was wanted, of the answer.
pub(crate) fn answer_or_note(is_answer: bool, line: &str) -> Result<(), Failure> {
    if is_answer {
        return answer(line);
    }
    note(line);
    Ok(())
}

/// The state of an account in the words of the window.
pub(crate) fn words(account: &AccountView) -> String {
    let left = account.expires_at.map(|end| end.duration_since(now()).as_secs());
    match account.status {
        AccountStatus::Connected => match left {
            Some(seconds) if seconds > 0 => format!("Connected · {} left", span(seconds)),
            Some(_) | None => "Connected".to_owned(),
        },
        AccountStatus::Expiring => format!("Expires in {}", span(left.unwrap_or_default())),
        AccountStatus::SigningIn => "Waiting for browser".to_owned(),
        AccountStatus::NeedsSignIn => "Needs sign-in".to_owned(),
        AccountStatus::NeedsMoreAccess => "Asks for more scopes".to_owned(),
        AccountStatus::Unreachable => "Can't reach server".to_owned(),
        AccountStatus::NoSignIn => "No sign-in needed".to_owned(),
        AccountStatus::Locked => "Locked".to_owned(),
    }
}

/// How long ago that was.
pub(crate) fn ago(time: jiff::Timestamp) -> String {
    span(now().duration_since(time).as_secs())
}

/// A time span as people say it.
fn span(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[expect(clippy::disallowed_methods, reason = "only for the words; every decision is the agent's")]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
