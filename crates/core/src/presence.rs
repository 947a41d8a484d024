//! What the system tells of the person and of sleep, as far as the agent is to lock at it: the screen locks, the computer
//! is about to sleep, how long nobody has touched it. One file per family of systems below.
//!
//! What isn't wanted isn't listened to. Where the system tells nothing, the agent works on, and says what it can't see.

#[cfg(any(target_os = "macos", windows))]
mod elsewhere;
#[cfg(not(any(target_os = "macos", windows)))]
mod linux;

#[cfg(any(target_os = "macos", windows))]
use elsewhere as system;
use keybearer_protocol::settings::Unseen;
#[cfg(not(any(target_os = "macos", windows)))]
use linux as system;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long whoever asked for it waits for the system to be listened to.
const PATIENCE: Duration = Duration::from_secs(3);
/// How much news may wait: each is as good as the one before.
const QUEUE: usize = 4;

/// What is to be listened for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// That the screen locks.
    pub screen: bool,
    /// That the computer is about to sleep.
    pub sleep: bool,
}

/// What the system tells.
#[derive(Debug)]
pub enum News {
    /// The screen locked.
    ScreenLocked,
    /// The computer is about to sleep.
    Sleep(Delay),
}

/// Holds sleep off until it is dropped, or for as long as the system bears it.
#[derive(Debug)]
pub struct Delay {
    _inhibitor: Option<system::Inhibitor>,
}

/// What is listened for by now, and what of it can't be seen.
#[derive(Clone, Debug, Default)]
struct Heard {
    wanted: Wanted,
    unseen: Unseen,
}

/// The ear of the agent.
#[derive(Debug)]
pub struct Presence {
    wanted: watch::Sender<Wanted>,
    heard: watch::Receiver<Heard>,
}

impl Presence {
    /// Begins to listen for nothing yet; gives what news comes by.
    pub fn start() -> (Presence, mpsc::Receiver<News>) {
        let (wanted, heard) = (watch::Sender::new(Wanted::default()), watch::Sender::new(Heard::default()));
        let (tell, news) = mpsc::channel(QUEUE);
        let presence = Presence { wanted, heard: heard.subscribe() };
        system::listen(presence.wanted.subscribe(), heard, tell);
        (presence, news)
    }

    /// Listens for this from now on, and for nothing else.
    pub fn listen_for(&self, wanted: Wanted) {
        self.wanted.send_if_modified(|now| std::mem::replace(now, wanted) != wanted);
    }

    /// What can't be seen of what is listened for.
    pub async fn unseen(&self) -> Unseen {
        let wanted = *self.wanted.borrow();
        let mut heard = self.heard.clone();
        match tokio::time::timeout(PATIENCE, heard.wait_for(|heard| heard.wanted == wanted)).await {
            Ok(Ok(heard)) => heard.unseen.clone(),
            Ok(Err(_)) | Err(_) => {
                let silent = |is_wanted: bool| is_wanted.then(|| "the system doesn't answer".to_owned());
                Unseen { screen: silent(wanted.screen), sleep: silent(wanted.sleep) }
            }
        }
    }
}

/// How long nobody has touched this computer, where the desktop tells. Others mustn't be taken for one that does: where
/// nobody sets logind's `IdleHint`, it says for ever that somebody is there.
pub async fn untouched_for() -> Option<Duration> {
    system::untouched_for().await
}
