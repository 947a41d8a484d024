//! What another program says, waited for a moment: a desktop's own programs may hang with it.

use std::fmt;
use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than the agent waits for the keyring and for servers together.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long one may take to end that has said all.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// The most that is listened to, in bytes.
const LIMIT: u64 = 256 * 1024;

/// Why nothing was heard.
#[derive(Debug)]
pub(crate) enum AskError {
    /// It can't be started.
    Unstartable(io::Error),
    /// It didn't end in time.
    Late,
    /// What it says is no text.
    Garbled(io::Error),
}

impl fmt::Display for AskError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::Unstartable(error) => write!(formatter, "can't be run: {error}"),
            AskError::Late => formatter.write_str("didn't end in time"),
            AskError::Garbled(error) => write!(formatter, "can't be heard: {error}"),
        }
    }
}

/// What it prints on standard output, without spaces at the ends.
pub(crate) fn ask(command: &mut Command) -> Result<String, AskError> {
    ask_within(command, PATIENCE)
}

fn ask_within(command: &mut Command, patience: Duration) -> Result<String, AskError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(AskError::Unstartable)?;
    let (tell, told) = mpsc::channel();
    let out = child.stdout.take();
    thread::spawn(move || {
        let mut said = String::new();
        let read = out.map(|out| out.take(LIMIT).read_to_string(&mut said)).transpose();
        // Nobody hears it who has lost patience.
        let _ = tell.send(read.map(|_| said));
    });
    let said = told.recv_timeout(patience);
    end(&mut child, if said.is_ok() { LAST_MOMENT } else { Duration::ZERO });
    match said {
        Ok(said) => said.map(|said| said.trim().to_owned()).map_err(AskError::Garbled),
        Err(_) => Err(AskError::Late),
    }
}

/// Ends it, if it doesn't do so itself. One that not even the system can end is left alone.
fn end(child: &mut Child, patience: Duration) {
    for patience in [patience, LAST_MOMENT] {
        let began = Instant::now();
        while began.elapsed() < patience {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// What comes of asking this script, and how long it took.
    fn asked(script: &str, patience: Duration) -> (Result<String, AskError>, Duration) {
        let began = Instant::now();
        (ask_within(Command::new("/bin/sh").args(["-c", script]), patience), began.elapsed())
    }

    #[test]
    fn one_that_has_said_all_is_heard_though_it_lives_on() {
        let (said, took) = asked("echo ' all '; exec >&-; exec sleep 60", Duration::from_secs(30));
        assert_eq!(said.expect("an answer"), "all");
        assert!(took < Duration::from_secs(20), "{took:?}");
    }

    #[test]
    fn one_that_is_late_is_told_from_one_that_cannot_be_started() {
        let (late, took) = asked("exec sleep 60", Duration::from_millis(50));
        assert!(matches!(late, Err(AskError::Late)), "{late:?}");
        assert!(took < Duration::from_secs(20), "{took:?}");
        let missing = ask(&mut Command::new("/nowhere/program"));
        assert!(matches!(missing, Err(AskError::Unstartable(_))), "{missing:?}");
    }
}
