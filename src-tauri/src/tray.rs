//! The icon in the panel. All that can be done is in its menu: on Linux the icon itself hears no click.

mod icon;
mod model;
mod texts;

use crate::action::{self, Action};
use crate::known::Known;
use crate::{language, windows};
use jiff::Timestamp;
use keybearer_protocol::settings::Language;
use model::{Model, Row};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tauri::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager, Theme, Wry};

/// The icon's name: on D-Bus its path ends in `_main`.
const ID: &str = "main";

/// The icon with what it shows now.
pub struct Tray {
    icon: TrayIcon,
    /// Whoever draws, one after the other. Drawing waits for the thread of the windows, so that one never waits here.
    drawn: Mutex<Drawn>,
    /// What the rows of the menu do. Held for moments only: the thread of the windows looks here.
    actions: Mutex<Actions>,
}

struct Drawn {
    model: Model,
    /// The theme of the panel that the icon was chosen for.
    panel: Theme,
}

/// What the rows do, by their ids. Each menu has a number, so that a click into an old one does nothing by mistake.
#[derive(Default)]
struct Actions {
    menu: u32,
    rows: Vec<Action>,
}

/// Puts the icon into the panel, where there is one or as soon as there is.
pub fn show(app: &AppHandle) -> tauri::Result<()> {
    let model = Model::of(&Known::Starting, language::of(None), Timestamp::UNIX_EPOCH);
    let panel = icon::panel(None);
    let (menu, actions) = draw(app, &model, 0)?;
    let icon = TrayIconBuilder::with_id(ID)
        .icon(icon::of(model.mood, panel))
        .icon_as_template(true)
        .tooltip("Keybearer")
        .menu(&menu)
        .on_menu_event(chosen)
        .build(app)?;
    app.manage(Tray { icon, drawn: Mutex::new(Drawn { model, panel }), actions: Mutex::new(actions) });
    Ok(())
}

/// Has the icon show how things are.
pub fn update(app: &AppHandle, known: &Known, language: Language, now: Timestamp) {
    let tray = app.state::<Tray>();
    // A menu that can't be drawn stays as it was until the next change.
    let _ = tray.apply(app, &mut tray.drawn(), Model::of(known, language, now));
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

impl Tray {
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
        action::start(app, action);
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
}
