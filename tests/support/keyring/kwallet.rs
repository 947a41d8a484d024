//! KWallet, without a screen. Its wallet is opened as the login does it, with a key instead of a password.

use super::Daemon;
use crate::session::Session;
use crate::until::until;
use anyhow::Context;
use std::process::{Command, Stdio};

const SETTINGS: &str = "[Wallet]
Enabled=true
First Use=false
Default Wallet=kdewallet
Leave Open=true
Close When Idle=false
Launch Manager=false
[org.freedesktop.secrets]
apiEnabled=true
";

/// Starts it with its wallet open, which is made where it isn't there.
pub(super) fn start(session: &Session) -> anyhow::Result<Daemon> {
    if !session.folder().join("data/kwalletd/kdewallet.kwl").exists() {
        session.write("config/kwalletrc", SETTINGS)?;
        // A new wallet becomes a collection at the next start.
        drop(start_daemon(session)?);
    }
    let daemon = start_daemon(session)?;
    until("KWallet", || Ok(session.default_collection()?.map(drop)))?;
    Ok(daemon)
}

fn start_daemon(session: &Session) -> anyhow::Result<Daemon> {
    let mut command = Command::new("kwalletd5");
    command.envs(session.environment()).env("QT_QPA_PLATFORM", "offscreen");
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let daemon = Daemon(child.context("kwalletd5 can't be started: `cargo xtask keyrings` installs it")?);
    let key = format!("array:byte:{}", ["107"; 56].join(","));
    let open = || {
        let arguments = ["string:kdewallet", &*key, "int32:0"];
        session.call("org.kde.kwalletd5", "/modules/kwalletd5", "org.kde.KWallet.pamOpen", &arguments)
    };
    // Until it listens, nobody answers.
    until("KWallet's door", || Ok(open().ok()))?;
    Ok(daemon)
}
