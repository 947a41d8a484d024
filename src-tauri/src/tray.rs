//! The icon in the panel. All that can be done is in its menu: on Linux the icon itself hears no click.

mod icon;
mod model;
mod texts;

use crate::agent::{Agent, Link};
use crate::clipboard::Clipboard;
use crate::news::{self, OpenPage, Page};
use crate::requests::SignInRequest;
use crate::{keeper, language, windows};
use keybearer_ipc::client::ClientError;
use keybearer_protocol::Method;
use keybearer_protocol::account::{AccountRefresh, AccountTest};
use keybearer_protocol::agent::{AgentLock, AgentStatus, AgentUnlock, AgentUnlockParams};
use keybearer_protocol::auth::AuthStart;
use keybearer_protocol::method::Empty;
use keybearer_protocol::profile::ProfileName;
use keybearer_protocol::settings::{Language, Settings, SettingsGet};
use model::{Action, Known, Model, Row};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tauri::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager, Theme, Wry};

/// The icon's name: on D-Bus its path ends in `_main`.
const ID: &str = "main";
/// The most that one page of the accounts may take.
const LISTING: Duration = Duration::from_secs(30);

/// The icon with what it shows now.
pub struct Tray {
    icon: TrayIcon,
    /// That something has changed. It holds one word: several changes before the next look are one.
    changed: SyncSender<()>,
    /// Whoever draws, one after the other. Drawing waits for the thread of the windows, so that one never waits here.
    drawn: Mutex<Drawn>,
    /// What the rows of the menu do. Held for moments only: the thread of the windows looks here.
    actions: Mutex<Actions>,
}

struct Drawn {
    model: Model,
    /// The theme of the panel that the icon was chosen for.
    panel: Theme,
    /// The language that was last asked for: without an agent the tray goes on to speak it.
    language: Language,
}

/// What the rows do, by their ids. Each menu has a number, so that a click into an old one does nothing by mistake.
#[derive(Default)]
struct Actions {
    menu: u32,
    rows: Vec<Action>,
}

/// Puts the icon into the panel, where there is one or as soon as there is, and starts the thread that keeps it true:
/// looking asks the agent, which may take seconds, and nobody else is to wait for that.
pub fn show(app: &AppHandle) -> tauri::Result<()> {
    let language = language::of(None);
    let model = Model::of(&Known::Starting, language);
    let panel = icon::panel(None);
    let (menu, actions) = draw(app, &model, 0)?;
    let icon = TrayIconBuilder::with_id(ID)
        .icon(icon::of(model.mood, panel))
        .icon_as_template(true)
        .tooltip("Keybearer")
        .menu(&menu)
        .on_menu_event(chosen)
        .build(app)?;
    let (changed, changes) = mpsc::sync_channel(1);
    let (drawn, actions) = (Mutex::new(Drawn { model, panel, language }), Mutex::new(actions));
    app.manage(Tray { icon, changed, drawn, actions });
    let app = app.clone();
    thread::Builder::new().name("tray".to_owned()).spawn(move || follow(&app, &changes))?;
    Ok(())
}

/// Has the icon show how things are, soon.
pub fn refresh(app: &AppHandle) {
    // Where a change waits already, the look that it leads to sees this one as well.
    let _ = app.state::<Tray>().changed.try_send(());
}

fn follow(app: &AppHandle, changes: &Receiver<()>) {
    let (tray, agent) = (app.state::<Tray>(), app.state::<Arc<Agent>>());
    while let Ok(()) = changes.recv() {
        let (known, settings) = look(&agent);
        tray.redraw(app, &known, settings.as_ref());
    }
}

/// Chooses the icon anew, after the windows got another theme.
pub fn refresh_icon(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn_blocking(move || {
        if let Some(tray) = app.try_state::<Tray>() {
            let _ = tray.set_icon(&app, &mut tray.drawn());
        }
    });
}

fn look(agent: &Agent) -> (Known, Option<Settings>) {
    let connection = match agent.now() {
        Link::Up(connection) => connection,
        Link::Starting => return (Known::Starting, None),
        Link::Down { .. } | Link::Quitting | Link::Ended => return (Known::Nothing, None),
    };
    let Ok(status) = connection.ask::<AgentStatus>(&Empty {}) else { return (Known::Nothing, None) };
    let accounts = connection.client().accounts(LISTING).ok();
    (Known::Agent { status: Box::new(status), accounts }, connection.ask::<SettingsGet>(&Empty {}).ok())
}

impl Tray {
    fn redraw(&self, app: &AppHandle, known: &Known, settings: Option<&Settings>) {
        let mut drawn = self.drawn();
        drawn.language = settings.map_or(drawn.language, |settings| language::of(Some(settings)));
        let model = Model::of(known, drawn.language);
        // A menu that can't be drawn stays as it was until the next change.
        let _ = self.apply(app, &mut drawn, model);
    }

    fn apply(&self, app: &AppHandle, drawn: &mut Drawn, model: Model) -> tauri::Result<()> {
        // The icon first: whoever sees the new menu sees it below the new icon.
        if drawn.model.mood != model.mood {
            drawn.model.mood = model.mood;
            self.set_icon(app, drawn)?;
        }
        if drawn.model.rows != model.rows {
            let number = self.actions().menu.wrapping_add(1);
            let (menu, actions) = draw(app, &model, number)?;
            self.icon.set_menu(Some(menu))?;
            *self.actions() = actions;
            drawn.model.rows = model.rows;
        }
        Ok(())
    }

    fn set_icon(&self, app: &AppHandle, drawn: &mut Drawn) -> tauri::Result<()> {
        let window = app.get_webview_window(windows::MAIN).and_then(|window| window.theme().ok());
        // Without a window the panel is taken to be as it was.
        drawn.panel = window.map_or(drawn.panel, |theme| icon::panel(Some(theme)));
        self.icon.set_icon_with_as_template(Some(icon::of(drawn.model.mood, drawn.panel)), true)
    }

    fn drawn(&self) -> MutexGuard<'_, Drawn> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn actions(&self) -> MutexGuard<'_, Actions> {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Actions {
    /// The id of a row that does this.
    fn add(&mut self, action: &Action) -> String {
        self.rows.push(action.clone());
        format!("{}.{}", self.menu, self.rows.len() - 1)
    }

    /// What the row with this id does.
    fn of(&self, id: &str) -> Option<Action> {
        let (menu, row) = id.split_once('.')?;
        let row = row.parse::<usize>().ok()?;
        self.rows.get(row).filter(|_| menu.parse() == Ok(self.menu)).cloned()
    }
}

/// The menu, and what its rows do.
fn draw(app: &AppHandle, model: &Model, number: u32) -> tauri::Result<(Menu<Wry>, Actions)> {
    let (menu, mut actions) = (Menu::new(app)?, Actions { menu: number, rows: Vec::new() });
    for row in &model.rows {
        match row {
            Row::Text(text) => menu.append(&MenuItem::new(app, plain(text), false, None::<&str>)?)?,
            Row::Item(text, action) => menu.append(&item(app, text, action, &mut actions)?)?,
            Row::Separator => menu.append(&PredefinedMenuItem::separator(app)?)?,
            Row::Menu(text, rows) => {
                let below = Submenu::new(app, plain(text), true)?;
                for row in rows {
                    match row {
                        Row::Item(text, action) => below.append(&item(app, text, action, &mut actions)?)?,
                        Row::Separator => below.append(&PredefinedMenuItem::separator(app)?)?,
                        Row::Text(text) | Row::Menu(text, _) => {
                            below.append(&MenuItem::new(app, plain(text), false, None::<&str>)?)?;
                        }
                    }
                }
                menu.append(&below)?;
            }
        }
    }
    Ok((menu, actions))
}

fn item(app: &AppHandle, text: &str, action: &Action, actions: &mut Actions) -> tauri::Result<MenuItem<Wry>> {
    MenuItem::with_id(app, actions.add(action), plain(text), true, None::<&str>)
}

/// A label without keys in it: menus read `&` as "the next letter is a key".
fn plain(text: &str) -> String {
    text.replace('&', "&&")
}

fn chosen(app: &AppHandle, event: MenuEvent) {
    let action = app.state::<Tray>().actions().of(event.id().as_ref());
    if let Some(action) = action {
        let app = app.clone();
        tauri::async_runtime::spawn_blocking(move || act(&app, action));
    }
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
        Action::Lock => ask::<AgentLock>(app, &agent, &Empty {}),
        Action::Unlock => ask::<AgentUnlock>(app, &agent, &AgentUnlockParams::default()),
        Action::Open => windows::show_main(app),
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
    fn a_click_into_a_menu_that_is_gone_does_nothing() {
        let mut old = Actions { menu: 1, rows: Vec::new() };
        let id = old.add(&Action::Open);
        assert_eq!(old.of(&id), Some(Action::Open));
        let mut new = Actions { menu: 2, rows: Vec::new() };
        let quit = new.add(&Action::Quit);
        assert_eq!(new.of(&id), None);
        assert_eq!(new.of(&quit), Some(Action::Quit));
        assert_eq!(new.of("2.7"), None);
        assert_eq!(new.of("quit"), None);
    }

    #[test]
    fn the_command_is_one_that_a_shell_reads_as_it_stands() {
        assert_eq!(command("linear-work"), "keybearer token linear-work");
        assert_eq!(command("linear work"), "keybearer token \"linear work\"");
    }
}
