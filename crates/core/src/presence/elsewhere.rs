//! macOS and Windows: nothing of the screen and of sleep is listened to yet.

use super::{Heard, News, Unseen, Wanted};
use std::future::{Ready, ready};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Nothing here holds sleep off.
#[derive(Debug)]
pub(super) enum Inhibitor {}

pub(super) fn listen(mut wanted: watch::Receiver<Wanted>, heard: watch::Sender<Heard>, news: mpsc::Sender<News>) {
    tokio::spawn(async move {
        // Whoever waits for news goes on waiting.
        let _news = news;
        while wanted.changed().await.is_ok() {
            let wanted = *wanted.borrow_and_update();
            let unseen = |is_wanted: bool| is_wanted.then(|| "Keybearer can't see it on this system".to_owned());
            let unseen = Unseen { screen: unseen(wanted.screen), sleep: unseen(wanted.sleep) };
            heard.send_replace(Heard { wanted, unseen });
        }
    });
}

pub(super) fn untouched_for() -> Ready<Option<Duration>> {
    ready(None)
}
