//! Which vault everything secret lies in, and the way to another.

use crate::arguments::{MoveArguments, Place};
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json};
use crate::passphrase::Source;
use keybearer_protocol::Door;
use keybearer_protocol::method::Empty;
use keybearer_protocol::vault::{
    KeyringView, VaultKind, VaultMove, VaultMoveParams, VaultPassphrase, VaultPassphraseParams, VaultState,
    VaultStatus, VaultStatusReply,
};

/// `keybearer vault status`
pub(crate) fn status(reach: &Reach, json: bool) -> Result<(), Failure> {
    say(&reach.open(Door::Admin)?.call::<VaultStatus>(&Empty {})?, json)
}

/// `keybearer vault move`
pub(crate) fn move_to(reach: &Reach, arguments: &MoveArguments, json: bool) -> Result<(), Failure> {
    let has_passphrase = arguments.passphrase || arguments.passphrase_stdin;
    let to = match (arguments.to, has_passphrase) {
        (Place::Keyring, true) => return Err(Failure::usage("the keyring has its own passphrase")),
        (Place::Keyring, false) => VaultKind::Keyring,
        (Place::Sealed, true) => VaultKind::SealedByPassphrase,
        (Place::Sealed, false) => VaultKind::SealedByKeyring,
    };
    let passphrase = match has_passphrase {
        true => Some(Source::of(arguments.passphrase_stdin).ask_new()?),
        false => None,
    };
    say(&reach.open(Door::Admin)?.call::<VaultMove>(&VaultMoveParams { to, passphrase })?, json)
}

/// `keybearer vault passphrase`
pub(crate) fn passphrase(reach: &Reach, stdin: bool, json: bool) -> Result<(), Failure> {
    let source = Source::of(stdin);
    let current = source.ask("Passphrase: ")?;
    let change = VaultPassphraseParams { current, new: source.ask_new()? };
    say(&reach.open(Door::Admin)?.call::<VaultPassphrase>(&change)?, json)
}

fn say(status: &VaultStatusReply, json: bool) -> Result<(), Failure> {
    if json {
        return answer_json(status);
    }
    let place = status.kind.map_or("it can't be told which vault is in use", place);
    let keyring = status.keyring.as_ref().map(named).filter(|keyring| !keyring.is_empty());
    let keyring = keyring.map(|keyring| format!(" ({keyring})")).unwrap_or_default();
    let credential = if status.credential { "; the service manager gives it" } else { "" };
    answer(&format!("vault  {place}{keyring}{credential}"))?;
    let problem = status.problem.as_deref().unwrap_or("it doesn't work");
    match status.state {
        VaultState::Unlocked => answer("state  works"),
        VaultState::Locked | VaultState::Absent => {
            let advice = status.advice.as_ref().map(|advice| format!(" (what to do: {advice})"));
            answer(&format!("state  {problem}{}", advice.unwrap_or_default()))
        }
    }
}

/// A keyring in the words of people.
fn named(keyring: &KeyringView) -> String {
    let collection = keyring.collection.as_ref().map(|collection| format!("collection \"{collection}\""));
    keyring.program.clone().into_iter().chain(collection).collect::<Vec<_>>().join(", ")
}

/// A vault in the words of people.
pub(crate) fn place(kind: VaultKind) -> &'static str {
    match kind {
        VaultKind::Keyring => "the system keyring",
        VaultKind::SealedByKeyring => "a sealed file, with its key in the system keyring",
        VaultKind::SealedByPassphrase => "a sealed file with a passphrase",
    }
}
