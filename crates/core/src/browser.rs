//! The browser: opened without a shell (`URL-2`), for https and loopback addresses alone (`URL-1`).

use keybearer_desktop_entry::browsers;
use keybearer_desktop_entry::exec::find;
use keybearer_oauth::server_url::is_protected;
use keybearer_protocol::auth::DISPLAY_VARIABLES;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;
use url::Url;

/// What a service manager says to the agent alone: no program that the agent starts is to take it for itself.
pub const FOR_THE_AGENT: [&str; 4] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET"];

/// A way to open addresses for one caller.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    variables: BTreeMap<&'static str, String>,
    /// The name of the desktop entry that a person chose, if they did.
    chosen: Option<String>,
}

/// What stands between two commands of `$BROWSER`.
const LIST_SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// The words of a command. A backslash of Windows is part of a path, and quotes nothing.
fn words_of(entry: &str) -> Option<Vec<String>> {
    if cfg!(windows) { shlex::split(&entry.replace('\\', r"\\")) } else { shlex::split(entry) }
}

impl Browser {
    /// The browser on the caller's screen: the agent may have been born on another one. Other variables than those five
    /// are ignored.
    pub fn of_caller(environment: &BTreeMap<String, String>) -> Browser {
        let given = |name: &'static str| Some((name, environment.get(name)?.clone()));
        let set = DISPLAY_VARIABLES.into_iter().filter_map(given).filter(|(_, value)| !value.is_empty());
        Browser { variables: set.collect(), chosen: None }
    }

    /// The same with what a person chose, by the name of its desktop entry: it comes before all others where there is a screen.
    pub fn choosing(self, entry: Option<String>) -> Browser {
        Browser { chosen: entry, ..self }
    }

    /// Opens the address; tells whether a program for it could be started.
    pub fn open(&self, address: &Url) -> bool {
        if !is_protected(address) {
            return false;
        }
        self.commands().into_iter().any(|words| self.start(&words, address.as_str()))
    }

    /// The program that would be started first: one that is there.
    pub fn program(&self) -> Option<PathBuf> {
        self.commands().iter().filter_map(|words| words.first()).find_map(|program| find(program))
    }

    /// The commands to try, in order.
    fn commands(&self) -> Vec<Vec<String>> {
        let chosen = self.chosen.as_deref().filter(|_| self.has_screen()).and_then(browsers::command);
        chosen.into_iter().chain(self.usual()).collect()
    }

    /// `$BROWSER`, a list with the platform's separator, or else the system's own way.
    fn usual(&self) -> Vec<Vec<String>> {
        if let Some(list) = self.variables.get("BROWSER") {
            return list.split(LIST_SEPARATOR).filter_map(words_of).collect();
        }
        let words = |words: &[&str]| vec![words.iter().map(|word| (*word).to_owned()).collect()];
        if cfg!(target_os = "macos") {
            words(&["/usr/bin/open"])
        } else if cfg!(windows) {
            words(&["rundll32.exe", "url.dll,FileProtocolHandler"])
        } else if self.has_screen() {
            words(&["xdg-open"])
        } else {
            Vec::new()
        }
    }

    fn has_screen(&self) -> bool {
        self.variables.contains_key("DISPLAY") || self.variables.contains_key("WAYLAND_DISPLAY")
    }

    fn start(&self, words: &[String], address: &str) -> bool {
        let Some((program, rest)) = words.split_first() else { return false };
        let mut arguments: Vec<String> = rest.iter().map(|word| word.replace("%s", address)).collect();
        if !rest.iter().any(|word| word.contains("%s")) {
            arguments.push(address.to_owned());
        }
        let mut command = Command::new(program);
        command.args(arguments);
        for name in DISPLAY_VARIABLES.into_iter().chain(FOR_THE_AGENT) {
            command.env_remove(name);
        }
        command.envs(&self.variables);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        match child {
            Ok(mut child) => {
                // Waited for, so that it leaves no zombie behind.
                tokio::spawn(async move { child.wait().await });
                true
            }
            Err(error) => {
                tracing::info!(program, %error, "a browser can't be started");
                false
            }
        }
    }
}
