//! What the system tells a user who has no window in front: that an account needs a sign-in, or that a question waits.
//! At most two at a time, one for all accounts and one for all questions, each with one button. They name accounts, and
//! never a token or what it may do.

mod slot;
mod system;
mod texts;
mod words;

use crate::action::{self, Action};
use crate::known::Known;
use crate::windows;
use keybearer_protocol::settings::Language;
use slot::{Change, Slot};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use system::Center;
use tauri::{AppHandle, Manager};
use words::{Asking, Notice};

/// The places for notifications: another one for the same place comes instead of the one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// What is told of accounts.
    Accounts,
    /// What is told of questions that wait for an answer.
    Questions,
}

/// What the user did with a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// Pressed its button, or clicked on it.
    Chosen,
    /// Put it away.
    Dismissed,
}

/// What is told now.
struct Told {
    center: Center,
    places: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    accounts: Slot<Asking>,
    /// The first question that waits, the second, and so on.
    questions: Slot<u32>,
    /// What the button of each does.
    actions: [Option<Action>; 2],
}

/// Is ready to tell.
pub fn start(app: &AppHandle) {
    let handle = app.clone();
    let center = Center::new(move |place, heard| handle_heard(&handle, place, heard));
    app.manage(Told { center, places: Mutex::default() });
}

/// Tells what has come, takes away what is settled or seen. Gives the time after which to look again, if there is one.
pub fn update(app: &AppHandle, known: &Known, language: Language) -> Option<Duration> {
    let told = app.state::<Told>();
    let (in_front, now) = (windows::in_front(app), Instant::now());
    let asking = words::asking(known);
    let (waiting, locked) = words::waiting(known);
    let mut places = told.places();
    let accounts = places.accounts.step(asking, in_front, now);
    let notice = |change: &Change<Asking>| match change {
        Change::Tell(asking) => Some(words::of_accounts(asking, language)),
        Change::Nothing | Change::Withdraw => None,
    };
    places.put(&told.center, Place::Accounts, &accounts, notice);
    let questions = places.questions.step(waiting.map(|count| (1..=count).collect()), in_front, now);
    let notice = |change: &Change<u32>| match change {
        Change::Tell(waiting) => Some(words::of_questions(waiting.len(), locked, language)),
        Change::Nothing | Change::Withdraw => None,
    };
    places.put(&told.center, Place::Questions, &questions, notice);
    [places.accounts.next(now), places.questions.next(now)].into_iter().flatten().min()
}

/// Takes everything away: nobody would answer the buttons.
pub fn end(app: &AppHandle) {
    if let Some(told) = app.try_state::<Told>() {
        [Place::Accounts, Place::Questions].into_iter().for_each(|place| told.center.withdraw(place));
    }
}

fn handle_heard(app: &AppHandle, place: Place, heard: Heard) {
    let told = app.state::<Told>();
    let action = told.places().heard(place);
    if let (Heard::Chosen, Some(action)) = (heard, action) {
        action::start(app, action);
    }
}

impl Told {
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn put<F>(
        &mut self,
        center: &Center,
        place: Place,
        change: &Change<F>,
        notice: impl FnOnce(&Change<F>) -> Option<Notice>,
    ) {
        match (notice(change), change) {
            (Some(notice), _) => {
                center.show(place, &notice);
                self.actions[place as usize] = Some(notice.action);
            }
            (None, Change::Withdraw) => center.withdraw(place),
            (None, Change::Nothing | Change::Tell(_)) => {}
        }
    }

    /// What is told at this place is seen. Gives what its button does.
    fn heard(&mut self, place: Place) -> Option<Action> {
        match place {
            Place::Accounts => self.accounts.saw(),
            Place::Questions => self.questions.saw(),
        }
        self.actions[place as usize].take()
    }
}
