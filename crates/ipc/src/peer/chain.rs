//! The program behind the processes that led to a caller, where nothing but their own system tells of them.

use super::roles::Role;
use keybearer_protocol::program::{Confidence, ProcessView, ProgramView};
use std::path::{Path, PathBuf};

/// The process of a chain that a person would name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Its place; the caller's is 0.
    pub(super) place: usize,
    /// The script that it runs.
    pub(super) script: Option<PathBuf>,
    /// Whether it is a program: else it is the outermost of those between.
    pub(super) is_named: bool,
}

/// The nearest program of a chain, whose processes come the nearest first.
pub(super) fn named(roles: impl Iterator<Item = Role>) -> Named {
    let mut outermost = 0;
    for (place, role) in roles.enumerate() {
        match role {
            Role::Between => outermost = place,
            Role::Session => break,
            Role::Program(script) => return Named { place, script, is_named: true },
        }
    }
    Named { place: outermost, script: None, is_named: false }
}

/// One process of a chain, as its system tells of it.
pub(super) trait Ancestor {
    /// Its number.
    fn pid(&self) -> u32;
    /// What it is called.
    fn name(&self) -> String;
    /// What it is to whoever is asked.
    fn role(&self) -> Role;
    /// All that is known of it, and of the script that it runs.
    fn describe(&self, script: Option<&Path>) -> ProgramView;
}

/// The program behind the first process of a chain, whose processes come the nearest first.
pub(super) fn program<A: Ancestor>(chain: &[A]) -> ProgramView {
    let Named { place, script, is_named } = named(chain.iter().map(A::role));
    let Some(process) = chain.get(place) else { return ProgramView::default() };
    let mut view = process.describe(script.as_deref());
    // A bare shell or helper, or a program far behind what asks: known as this running process, and no more.
    let is_far = place > 1 && matches!(view.confidence, Confidence::System | Confidence::Signed);
    if (!is_named || is_far) && view.confidence != Confidence::Unknown {
        (view.confidence, view.signer) = (Confidence::PidOnly, None);
    }
    let link =
        |(at, process): (usize, &A)| ProcessView { pid: process.pid(), name: process.name(), remembered: at == place };
    view.chain = chain.iter().enumerate().map(link).rev().collect();
    view
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::roles::role;

    #[test]
    fn the_nearest_program_is_named_and_the_session_never() {
        let script = || Some(PathBuf::from("bot.py"));
        let chain = |names: &[(&str, bool)]| named(names.iter().map(|(name, ours)| role(name, *ours, || None)));
        let program = |place| Named { place, script: None, is_named: true };
        assert_eq!(chain(&[("cmd", true), ("claude", false), ("explorer", true)]), program(1));
        assert_eq!(chain(&[("conhost", true), ("pwsh", true), ("windowsterminal", true)]), program(2));
        let bare = Named { place: 1, script: None, is_named: false };
        assert_eq!(chain(&[("powershell", true), ("cmd", true), ("explorer", true), ("claude", false)]), bare);
        // Whoever only borrows the name is a program as any other.
        assert_eq!(chain(&[("explorer", false), ("claude", false)]), program(0));
        assert_eq!(role("python3", true, script), Role::Program(script()));
    }
}
