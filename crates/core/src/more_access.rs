//! More access than a sign-in gave: what servers were reported to want, and how often a person was sent for it.

use std::collections::BTreeSet;

/// How many sign-ins ask for the same scopes at most, before it is plain that they don't help (`STEP-4`, `STEP-5`).
const TRIES: u32 = 3;
/// The most scopes that are remembered of one account.
const LIMIT: usize = 100;

/// What an account's server wants beyond the sign-in.
#[derive(Clone, Debug, Default)]
pub struct MoreAccess {
    wanted: BTreeSet<String>,
    /// Whether the sign-in of now was refused for lack of them, whatever it says that it covers.
    lacking: bool,
    /// How many sign-ins have asked for exactly these.
    tries: u32,
}

/// What can be done about scopes that a sign-in doesn't cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The next sign-in asks for them, since the server wants them.
    SignIn,
    /// Sign-ins have asked for them, and the server refuses all the same.
    Exhausted,
    /// The server wasn't heard to want them.
    Unknown,
}

impl MoreAccess {
    /// The server refused a request for lack of these scopes.
    pub fn report(&mut self, scopes: &[String]) {
        let before = self.wanted.len();
        let room = LIMIT.saturating_sub(before);
        let new: Vec<String> =
            scopes.iter().filter(|scope| !self.wanted.contains(*scope)).take(room).cloned().collect();
        self.wanted.extend(new);
        if self.wanted.len() > before {
            self.tries = 0;
        }
        self.lacking |= !scopes.is_empty();
    }

    /// A sign-in has worked that asked for these scopes: whether they are enough, the next request shows.
    pub fn signed_in(&mut self, asked: &[String]) {
        self.lacking = false;
        if !self.wanted.is_empty() && self.wanted.iter().all(|scope| asked.contains(scope)) {
            self.tries = self.tries.saturating_add(1);
        }
    }

    /// The scopes that the server was reported to want.
    pub fn wanted(&self) -> impl Iterator<Item = &String> {
        self.wanted.iter()
    }

    /// Those of them that the sign-in of now doesn't give.
    pub fn lacking(&self) -> Vec<String> {
        self.wanted.iter().filter(|_| self.lacking).cloned().collect()
    }

    /// Whether the sign-in of now lacks what another one would ask for.
    pub fn needs_sign_in(&self) -> bool {
        self.lacking && self.tries < TRIES
    }

    /// Whether the sign-in of now was refused for lack of this scope.
    pub fn lacks(&self, scope: &String) -> bool {
        self.lacking && self.wanted.contains(scope)
    }

    /// What can be done where these scopes are missing.
    pub fn remedy(&self, missing: &[String]) -> Remedy {
        match missing.iter().all(|scope| self.wanted.contains(scope)) {
            true if self.tries < TRIES => Remedy::SignIn,
            true => Remedy::Exhausted,
            false => Remedy::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_scopes_are_asked_for_three_times_and_others_anew() {
        let scopes = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (read, both) = (scopes(&["read"]), scopes(&["read", "write"]));
        let mut more = MoreAccess::default();
        assert_eq!(more.remedy(&read), Remedy::Unknown);
        for _ in 0..TRIES {
            more.report(&read);
            assert_eq!((more.lacking(), more.remedy(&read)), (read.clone(), Remedy::SignIn));
            assert!(more.needs_sign_in());
            more.signed_in(&both);
            assert!(more.lacking().is_empty() && !more.needs_sign_in());
        }
        more.report(&read);
        // One more would help no more than those.
        assert!(more.remedy(&read) == Remedy::Exhausted && !more.needs_sign_in());
        more.report(&both);
        assert_eq!(more.remedy(&both), Remedy::SignIn);
        // A sign-in that asked for less was no try.
        more.signed_in(&read);
        assert_eq!(more.tries, 0);
    }

    #[test]
    fn a_server_that_wants_ever_more_is_heard_so_far() {
        let mut more = MoreAccess::default();
        (0..2 * LIMIT).for_each(|number| more.report(&[number.to_string()]));
        assert_eq!(more.wanted().count(), LIMIT);
    }
}
