//! Reading a passphrase: typed at the terminal and not shown, or from standard input. Never from the arguments, which every
//! program of this user can see.

use crate::output::Failure;
use keybearer_protocol::{ErrorCode, ErrorObject};
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, BufRead, Read};

/// The most that is read of a line.
const LIMIT: u64 = 4096;

/// Where passphrases come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A person at the terminal.
    Terminal,
    /// Standard input, one on a line.
    Stdin,
}

impl Source {
    /// Standard input if that was said.
    pub(crate) fn of(stdin: bool) -> Source {
        if stdin { Source::Stdin } else { Source::Terminal }
    }

    /// The passphrase that there is.
    pub(crate) fn ask(self, question: &str) -> Result<SecretString, Failure> {
        match self {
            Source::Stdin => line(),
            Source::Terminal => rpassword::prompt_password(question).map(SecretString::from).map_err(|error| {
                let message = format!("nobody can be asked for the passphrase here ({error})");
                let error = ErrorObject::new(ErrorCode::Usage, message);
                Failure(error.with_action("bring it on standard input, with --passphrase-stdin"))
            }),
        }
    }

    /// A new passphrase; a person types it twice, since nobody can read it back.
    pub(crate) fn ask_new(self) -> Result<SecretString, Failure> {
        let passphrase = self.ask("New passphrase: ")?;
        if self == Source::Terminal && self.ask("The same again: ")?.expose_secret() != passphrase.expose_secret() {
            return Err(Failure::usage("the two passphrases differ; nothing was changed"));
        }
        Ok(passphrase)
    }
}

/// The next line of standard input, without its end.
fn line() -> Result<SecretString, Failure> {
    // Wiped with the secret that it becomes; a buffer that grew would leave parts of it behind.
    let mut line = String::with_capacity(usize::try_from(LIMIT).unwrap_or_default());
    let read = io::stdin().lock().take(LIMIT).read_line(&mut line);
    read.map_err(|error| Failure::usage(format!("standard input can't be read: {error}")))?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line.into())
}
