//! The gateway: how it stands, and keys for clients.

use crate::arguments::{GatewayAction, GatewayKeyArguments};
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json, note};
use keybearer_protocol::Door;
use keybearer_protocol::gateway::{GatewayAddKey, GatewayAddKeyParams, GatewayStatus, GatewayView};
use keybearer_protocol::method::Empty;
use secrecy::ExposeSecret;

/// `keybearer gateway`
pub(crate) fn gateway(reach: &Reach, action: Option<GatewayAction>, json: bool) -> Result<(), Failure> {
    match action {
        None => {
            let view = reach.open(Door::Admin)?.call::<GatewayStatus>(&Empty {})?;
            if json { answer_json(&view) } else { show(&view) }
        }
        Some(GatewayAction::Key(arguments)) => key(reach, arguments, json),
    }
}

fn key(reach: &Reach, arguments: GatewayKeyArguments, json: bool) -> Result<(), Failure> {
    let GatewayKeyArguments { name, client } = arguments;
    let made = reach.open(Door::Admin)?.call::<GatewayAddKey>(&GatewayAddKeyParams { profile: name, client })?;
    if json {
        return answer_json(&made);
    }
    answer(&made.url)?;
    answer(&format!("{}: {}", made.header, made.key.expose_secret()))?;
    note(
        "Write both into the client's configuration now: the key is shown this once. Whoever has it can use the account.",
    );
    note(&format!("To take it back: keybearer grants revoke {}", made.grant));
    Ok(())
}

fn show(view: &GatewayView) -> Result<(), Failure> {
    match (&view.problem, &view.url, view.open) {
        (Some(problem), ..) => answer(&format!("The gateway can't be opened: {problem}"))?,
        (None, Some(url), true) => answer(&format!("{url} ({})", count(view.keys)))?,
        (None, ..) => answer("The gateway is shut: no client has a key.")?,
    }
    if let Some(socket) = &view.socket {
        answer(&format!("unix://{socket}#/mcp/NAME (without a key, for clients that can use a socket)"))?;
    }
    if view.open {
        note("keybearer grants lists the keys, keybearer grants revoke ID takes one back");
    }
    Ok(())
}

fn count(keys: u32) -> String {
    if keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") }
}
