//! Programs that can't say that a token was refused, and only ask once more (`header.get` with `repeat_means_refused`).

use crate::caller::Instance;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Calls nearer than this to each other belong to one beginning: a client may open several connections.
const AT_ONCE: Duration = Duration::from_secs(2);
/// A call later than this has reasons of its own, such as another connection.
const SOON: Duration = Duration::from_secs(60);
/// A program is believed once in this time: a connection that comes and goes must not rotate tokens all the time.
const BELIEVED: Duration = Duration::from_secs(600);
/// Programs that are remembered.
const KEPT: usize = 1024;

/// What was given to whom.
#[derive(Debug, Default)]
pub struct Repeats(Mutex<HashMap<(String, Instance), Given>>);

#[derive(Debug)]
struct Given {
    generation: u32,
    /// When it was given first, or first after a while.
    at: Instant,
    believed: Option<Instant>,
}

impl Repeats {
    /// This program gets the token of this generation now. Whether that says that its server has refused it: the same
    /// running program got the very same a moment ago.
    pub fn is_refusal(&self, account: &str, program: &Instance, generation: u32) -> bool {
        self.is_refusal_at(account, program, generation, Instant::now())
    }

    fn is_refusal_at(&self, account: &str, program: &Instance, generation: u32, now: Instant) -> bool {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.retain(|_, given| now.duration_since(given.believed.unwrap_or(given.at).max(given.at)) < BELIEVED);
        let key = (account.to_owned(), program.clone());
        let Some(before) = given.get_mut(&key) else {
            if given.len() < KEPT {
                given.insert(key, Given { generation, at: now, believed: None });
            }
            return false;
        };
        let passed = now.duration_since(before.at);
        if before.generation != generation || passed > SOON {
            (before.generation, before.at) = (generation, now);
            return false;
        }
        let believed_lately = before.believed.is_some_and(|at| now.duration_since(at) < BELIEVED);
        let is_refusal = passed >= AT_ONCE && !believed_lately;
        if is_refusal {
            before.believed = Some(now);
        }
        is_refusal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_program_that_asks_for_the_same_again_soon_is_believed_once() {
        let (repeats, begin) = (Repeats::default(), Instant::now());
        let program = |pid| Instance { pid, started: "1".to_owned() };
        let asks = |seconds, pid, generation| {
            repeats.is_refusal_at("id", &program(pid), generation, begin + Duration::from_secs(seconds))
        };
        assert!(!asks(0, 1, 1), "the first");
        assert!(!asks(1, 1, 1), "another connection of the same beginning");
        assert!(!asks(1, 2, 1), "another session");
        assert!(asks(10, 1, 1), "the same again");
        assert!(!asks(20, 1, 2), "what is new");
        assert!(!asks(30, 1, 2), "believed a moment ago");
        assert!(asks(40, 2, 1), "the other session, too");
        assert!(!asks(400, 2, 2));
        assert!(!asks(500, 2, 2), "long after");
        assert!(!asks(620, 1, 2), "long after");
        assert!(asks(630, 1, 2), "believed again after a while");
    }
}
