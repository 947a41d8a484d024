//! The program that a person would name: the nearest ancestor that is neither our helper nor a shell or launcher
//! between (REQ-I6), with the script that an interpreter runs (REQ-I7).

use super::known;
use super::process::{File, Process, others_can_change};
use super::role;
use super::script::{digest, is_open};
use crate::peer::roles::{Role, is_host, runs_others_words};
use keybearer_protocol::program::{Confidence, ProcessView, ProgramView};
use keybearer_protocol::sandbox::{Sandbox, SandboxKind};
use std::sync::Arc;

/// How far back a chain is followed.
const DEPTH: usize = 16;

/// The program behind a process.
pub(super) fn behind(caller: &Process) -> ProgramView {
    let ancestors = ancestors(caller);
    let chain: Vec<&Process> = std::iter::once(caller).chain(ancestors.iter().map(Arc::as_ref)).collect();
    let mut outermost = 0;
    let mut named = None;
    for (place, process) in chain.iter().enumerate() {
        // Whoever started a sandbox has not said that the sandbox may speak for it.
        if place > 0 && caller.is_foreign() && !process.lives_with(caller) {
            break;
        }
        match role::of(process) {
            Role::Between => outermost = place,
            Role::Session => break,
            Role::Program(_) => {
                named = Some(place);
                break;
            }
        }
    }
    let is_named = named.is_some();
    let place = named.unwrap_or(outermost);
    let Some(process) = chain.get(place) else { return ProgramView::default() };
    let mut view = describe(process);
    view.sandbox = caller.sandbox.clone().or_else(|| remote(caller));
    // A bare shell or helper, or a program far behind what asks, or one whose files are a sandbox's own: known as this
    // running process, and no more.
    let is_far = place > 1 && view.confidence == Confidence::System;
    if (!is_named || is_far || view.sandbox.is_some()) && view.confidence != Confidence::Unknown {
        view.confidence = Confidence::PidOnly;
    }
    let link = |(at, process): (usize, &&Process)| ProcessView {
        pid: process.pid,
        name: name(process),
        remembered: at == place,
    };
    view.chain = chain.iter().enumerate().map(link).rev().collect();
    view
}

/// Whether nothing has to be looked up for that: the whole chain is known, and no script is among it, which may have
/// changed.
pub(super) fn is_known(caller: &Process) -> bool {
    let (mut depth, mut process) = (0, caller);
    while let (None, Some(parent)) = (&process.script, process.found_parent.get()) {
        if depth == DEPTH {
            return true;
        }
        // One that became another program would be looked at anew.
        if !parent.goes_on() {
            return false;
        }
        (depth, process) = (depth + 1, parent);
    }
    // The first of this user's, or of this system's.
    process.script.is_none() && (process.parent <= 1 || known::get(process.parent).is_some())
}

/// Another machine, where the caller only carries what somebody says there.
fn remote(caller: &Process) -> Option<Sandbox> {
    role::forwards(caller).then(|| Sandbox::unnamed(SandboxKind::Remote))
}

/// The ancestors, the nearest first. A chain that can't be followed surely ends there.
fn ancestors(caller: &Process) -> Vec<Arc<Process>> {
    let mut ancestors: Vec<Arc<Process>> = Vec::new();
    while ancestors.len() < DEPTH {
        let child = ancestors.last().map_or(caller, Arc::as_ref);
        let Some(parent) = parent(child) else { break };
        ancestors.push(parent);
    }
    ancestors
}

/// The parent. It is held before its child is asked again whether it is still the one.
fn parent(child: &Process) -> Option<Arc<Process>> {
    if let Some(found) = child.found_parent.get().filter(|parent| parent.goes_on()) {
        return Some(found.clone());
    }
    let parent = Some(child.parent).filter(|pid| *pid > 1).and_then(|pid| known::look(pid).ok())?;
    let is_sure = parent.started <= child.started && child.has_parent(parent.pid) && parent.is_this_users;
    // Where the parent has become another program since, it is looked up each time.
    is_sure.then(|| child.found_parent.get_or_init(|| parent.clone()));
    is_sure.then_some(parent)
}

fn describe(process: &Process) -> ProgramView {
    let (exe, script) = (process.exe.as_ref(), process.script.as_deref());
    let sha256 = script.and_then(digest);
    let file_name = script.and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    ProgramView {
        name: exe.map(|_| file_name.unwrap_or_else(|| name(process))),
        pid: Some(process.pid),
        started: Some(process.started.to_string()),
        exe: exe.map(|exe| exe.path.clone()),
        signer: None,
        script: script.map(|path| path.to_string_lossy().into_owned()),
        confidence: exe.map_or(Confidence::Unknown, |exe| confidence(exe, sha256.is_some())),
        script_sha256: sha256,
        folder: process.working_folder(),
        others_can_change: script.is_some_and(is_open) || exe.is_some_and(|exe| others_can_change(&exe.stat)),
        sandbox: None,
        chain: Vec::new(),
    }
}

fn confidence(exe: &File, has_script: bool) -> Confidence {
    let name = exe.file_name();
    if exe.path.ends_with(DELETED) || is_host(name) || name.starts_with("ld-linux") {
        Confidence::PidOnly
    } else if has_script && exe.is_the_systems() {
        Confidence::Script
    } else if runs_others_words(name) && !has_script {
        Confidence::PidOnly
    } else if exe.is_the_systems() && !has_script && !rustix::process::geteuid().is_root() {
        Confidence::System
    } else {
        Confidence::Hash
    }
}

/// What the kernel writes behind the path of a file that was removed or replaced.
const DELETED: &str = " (deleted)";

fn name(process: &Process) -> String {
    match &process.exe {
        Some(exe) => exe.file_name().trim_end_matches(DELETED).to_owned(),
        None => process.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_behind_this_test_is_named_with_its_chain() {
        let own = Process::open(std::process::id()).expect("this process");
        let view = behind(&own);
        assert_eq!(view.pid, Some(std::process::id()));
        assert_eq!(view.chain.last().map(|process| (process.pid, process.remembered)), Some((own.pid, true)));
        assert!(own.goes_on() && !own.is_foreign());
    }
}
