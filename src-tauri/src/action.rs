//! What the tray's menu and the buttons of notifications do.

use crate::agent::Agent;
use crate::clipboard::Clipboard;
use crate::news::{self, OpenPage, Page};
use crate::requests::SignInRequest;
use crate::{keeper, windows};
use keybearer_ipc::client::ClientError;
use keybearer_protocol::Method;
use keybearer_protocol::account::{AccountRefresh, AccountTest};
use keybearer_protocol::agent::{AgentLock, AgentPause, AgentPauseParams, AgentResume, AgentUnlock, AgentUnlockParams};
use keybearer_protocol::auth::AuthStart;
use keybearer_protocol::method::Empty;
use keybearer_protocol::profile::ProfileName;
use std::sync::Arc;
use tauri::{AppHandle, Manager};

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Starts or joins the sign-in of this account, and shows it.
    SignIn(String),
    /// Makes a real request with its token.
    Test(String),
    /// Renews its token.
    Refresh(String),
    /// Copies the command that prints its token.
    CopyCommand(String),
    /// Shows it.
    Show(String),
    /// Shows the whole list.
    ShowAll,
    /// Shows the way to add a server.
    Add,
    /// Gives out no tokens for so many minutes, or until resumed.
    Pause(Option<u32>),
    /// Ends the pause.
    Resume,
    /// Locks.
    Lock,
    /// Unlocks.
    Unlock,
    /// Shows the window as it is.
    Open,
    /// Shows the question that waits for an answer.
    Answer,
    /// Shows the settings.
    Settings,
    /// Ends the desktop.
    Quit,
}

/// Does it, on a thread that may wait.
pub fn start(app: &AppHandle, action: Action) {
    let app = app.clone();
    tauri::async_runtime::spawn_blocking(move || act(&app, action));
}

fn act(app: &AppHandle, action: Action) {
    let agent = app.state::<Arc<Agent>>();
    match action {
        Action::SignIn(profile) => sign_in(app, &agent, profile),
        Action::Test(profile) => ask::<AccountTest>(app, &agent, &ProfileName { profile }),
        Action::Refresh(profile) => ask::<AccountRefresh>(app, &agent, &ProfileName { profile }),
        Action::CopyCommand(profile) => {
            if let Err(error) = app.state::<Clipboard>().put(command(&profile)) {
                news::notify(app, error);
            }
        }
        Action::Show(profile) => news::open(app, OpenPage::account(profile)),
        Action::ShowAll => news::open(app, OpenPage::of(Page::List)),
        Action::Add => news::open(app, OpenPage::of(Page::Add)),
        Action::Pause(minutes) => ask::<AgentPause>(app, &agent, &AgentPauseParams { minutes }),
        Action::Resume => ask::<AgentResume>(app, &agent, &Empty {}),
        Action::Lock => ask::<AgentLock>(app, &agent, &Empty {}),
        Action::Unlock => ask::<AgentUnlock>(app, &agent, &AgentUnlockParams::default()),
        Action::Open => windows::show_main(app),
        Action::Answer => windows::raise_approval(app),
        Action::Settings => news::open(app, OpenPage::of(Page::Settings)),
        Action::Quit => keeper::quit(app),
    }
}

/// Starts or joins a sign-in, then shows it: a page that came first would find none.
fn sign_in(app: &AppHandle, agent: &Agent, profile: String) {
    let params = SignInRequest::of(profile).into();
    match agent.with_now(|connection| connection.ask::<AuthStart>(&params)) {
        Ok(view) => news::open(app, OpenPage::account(view.profile)),
        Err(error) => news::notify(app, error),
    }
}

/// Asks the agent, and shows in the window what went wrong.
fn ask<M: Method>(app: &AppHandle, agent: &Agent, params: &M::Params) {
    let asked: Result<(), _> =
        agent.with_now(|connection| -> Result<(), ClientError> { connection.ask::<M>(params).map(drop) });
    if let Err(error) = asked {
        news::notify(app, error);
    }
}

/// The command that prints the account's token. A name may hold spaces, and nothing else that a shell would read.
fn command(profile: &str) -> String {
    if profile.contains(char::is_whitespace) {
        format!("keybearer token \"{profile}\"")
    } else {
        format!("keybearer token {profile}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_one_that_a_shell_reads_as_it_stands() {
        assert_eq!(command("linear-work"), "keybearer token linear-work");
        assert_eq!(command("linear work"), "keybearer token \"linear work\"");
    }
}
