//! KeePassXC, without a screen, with a database whose root group is the Secret Service's collection.

use super::{Daemon, PASSWORD};
use crate::session::Session;
use crate::until::until;
use anyhow::{Context, ensure};
use std::io::Write;
use std::process::{Command, Stdio};

/// Its settings. What a person would be asked at each access is a setting of its own.
const SETTINGS: &str = "[General]
ConfigVersion=2
UpdateCheckMessageShown=true
[GUI]
CheckForUpdates=false
[FdoSecrets]
Enabled=true
ShowNotification=false
ConfirmAccessItem=false
ConfirmDeleteItem=false
";

/// A database whose custom data names the group that is shared.
const DATABASE: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<KeePassFile>
  <Meta>
    <DatabaseName>Passwords</DatabaseName>
    <RecycleBinEnabled>False</RecycleBinEnabled>
    <CustomData>
      <Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{00112233-4455-6677-8899-aabbccddeeff}</Value></Item>
    </CustomData>
  </Meta>
  <Root>
    <Group><UUID>ABEiM0RVZneImaq7zN3u/w==</UUID><Name>Passwords</Name></Group>
  </Root>
</KeePassFile>
"#;

/// Starts it with the database open, which is made where it isn't there.
pub(super) fn start(session: &Session) -> anyhow::Result<Daemon> {
    let database = session.folder().join("data/passwords.kdbx");
    if !database.exists() {
        session.write("config/keepassxc/keepassxc.ini", SETTINGS)?;
        let source = session.write("data/passwords.xml", DATABASE)?;
        let mut import = Command::new("keepassxc-cli");
        // The least time that opening it may take.
        import.args(["import", "--set-password", "--decryption-time", "100"]).args([&source, &database]);
        let import = import.envs(session.environment()).stdin(Stdio::piped()).stdout(Stdio::null());
        let import = import.stderr(Stdio::null()).spawn();
        let mut import = import.context("keepassxc-cli can't be started: `cargo xtask keyrings` installs it")?;
        import.stdin.take().context("a pipe")?.write_all(format!("{PASSWORD}\n{PASSWORD}\n").as_bytes())?;
        ensure!(import.wait()?.success(), "no database was made");
    }
    let mut command = Command::new("keepassxc");
    command.arg("--pw-stdin").arg(&database).envs(session.environment()).env("QT_QPA_PLATFORM", "offscreen");
    // Where it looks for an instance that runs already.
    command.env("TMPDIR", session.folder().join("run"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut input = child.stdin.take().context("a pipe")?;
    let daemon = Daemon(child);
    input.write_all(format!("{PASSWORD}\n").as_bytes())?;
    // Until it listens, nobody answers, and until it has read the database, that is locked.
    until("KeePassXC", || {
        let Ok(Some(collection)) = session.default_collection() else { return Ok(None) };
        Ok((!session.is_keyring_locked(&collection)?).then_some(()))
    })?;
    Ok(daemon)
}
