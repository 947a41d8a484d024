//! A command that works with an account's tokens and needs no way to ask for them itself (REQ-C2): it inherits a connection
//! that serves this account as long as it runs, or finds one token in a variable. Nothing is on the disk or in arguments.
//! One file per family of systems below, with the same names.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;

#[cfg(not(unix))]
mod elsewhere;
#[cfg(not(unix))]
use elsewhere as system;

use crate::arguments::RunArguments;
use crate::connection::Reach;
use crate::output::Failure;
use keybearer_protocol::settings::LONGEST_ANSWER_TIME;
use keybearer_protocol::token::{TokenGet, TokenGetParams};
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use secrecy::ExposeSecret;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::process::Command;
use std::time::Duration;

/// In which variable the command finds the number of the descriptor that it inherits.
const FD: &str = "KEYBEARER_FD";
/// What answering takes at most: a person has two minutes.
const TIMEOUT: Duration = Duration::from_secs(LONGEST_ANSWER_TIME as u64 + 30);

/// Variables that mean something to loaders, shells, interpreters and Keybearer itself; by their beginning.
const TAKEN: [&str; 20] = [
    "LD_",
    "DYLD_",
    "GCONV_",
    "GLIBC_",
    "MALLOC_",
    "BASH_",
    "PYTHON",
    "NODE_",
    "PERL",
    "RUBY",
    "JAVA_",
    "JDK_",
    "_JAVA_",
    "DOTNET_",
    "GIT_",
    "SSH_",
    "KEYBEARER_",
    "XDG_",
    "DBUS_",
    "LC_",
];
/// The same, whole.
const TAKEN_WHOLE: [&str; 17] = [
    "PATH", "IFS", "ENV", "HOME", "SHELL", "USER", "LOGNAME", "PWD", "OLDPWD", "TERM", "TMPDIR", "LANG", "EDITOR",
    "PAGER", "BROWSER", "DISPLAY", "PATHEXT",
];

/// `keybearer run`
pub(crate) fn run(reach: &Reach, arguments: RunArguments) -> Result<(), Failure> {
    let RunArguments { name, env, fd: _, no_prompt, command } = arguments;
    let mut command = prepared(command)?;
    // What this process itself may have inherited is for another account.
    command.env_remove(FD);
    let Some(variable) = env else { return system::hand_on(reach, &name, !no_prompt, command) };
    check(&variable)?;
    let mut agent = reach.open(Door::Programs)?;
    agent.set_timeout(Some(TIMEOUT));
    let params = TokenGetParams { interactive: !no_prompt, ..TokenGetParams::of(&name) };
    let reply = agent.call::<TokenGet>(&params)?;
    drop(agent);
    command.env(variable, reply.access_token.expose_secret());
    system::become_command(command)
}

fn prepared(words: Vec<OsString>) -> Result<Command, Failure> {
    let mut words = words.into_iter();
    let program = words.next().ok_or_else(|| Failure::usage("name a command behind --"))?;
    let mut command = Command::new(program);
    command.args(words);
    Ok(command)
}

/// Whether a token may stand in this variable.
fn check(variable: &str) -> Result<(), Failure> {
    let is_name = variable.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return Err(Failure::usage(format!("{variable} is no name of a variable")));
    }
    let capitals = variable.to_ascii_uppercase();
    let is_taken = TAKEN_WHOLE.contains(&capitals.as_str()) || TAKEN.iter().any(|taken| capitals.starts_with(taken));
    if is_taken {
        return Err(Failure::usage(format!("{variable} means something else to the programs that read it")));
    }
    Ok(())
}

/// Why the command doesn't run, with the exit codes of env(1).
fn not_run(command: &Command, error: &io::Error) -> Failure {
    let program = command.get_program().display();
    if error.kind() == ErrorKind::NotFound {
        return ErrorObject::new(ErrorCode::CommandNotFound, format!("there is no command {program}")).into();
    }
    ErrorObject::new(ErrorCode::CommandNotRunnable, format!("{program} can't be run: {error}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_in_no_variable_that_means_something_else() {
        for fine in ["TOKEN", "LINEAR_API_KEY", "_t", "github_token", "HOMEPAGE_TOKEN", "PATHS"] {
            assert!(check(fine).is_ok(), "{fine}");
        }
        for taken in [
            "LD_PRELOAD",
            "PATH",
            "path",
            "BASH_ENV",
            "DYLD_INSERT_LIBRARIES",
            "PYTHONPATH",
            "NODE_OPTIONS",
            "IFS",
            "KEYBEARER_FD",
        ] {
            assert!(check(taken).is_err(), "{taken}");
        }
        for no_name in ["", "1A", "A B", "A=B", "A-B", "Ä"] {
            assert!(check(no_name).is_err(), "{no_name}");
        }
    }
}
