//! Whether a script is still what was answered for good. Nothing hangs on it: who asks is looked at anew each time. It is
//! for people, who see in a list that a program will be asked about again.

use jiff::Timestamp;
use keybearer_protocol::grant::GrantView;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{File, metadata};
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;

/// Larger scripts are known by no content, in bytes.
const LIMIT: u64 = 4 * 1024 * 1024;

/// How long the files may take to be read, all together: a dead file system holds up the look at it, and no list.
const LOOK: Duration = Duration::from_secs(1);

/// Says of each of these answers when its script, which stands here by the answer's name, became another one.
pub(crate) async fn mark_changed(views: &mut [GrantView], mut scripts: HashMap<String, Script>) {
    scripts.retain(|id, _| views.iter().any(|view| view.grant == *id));
    if scripts.is_empty() {
        return;
    }
    let look = move || scripts.into_iter().filter_map(|(id, script)| Some((id, script.changed_at()?))).collect();
    let looking = tokio::task::spawn_blocking(look);
    let changed: HashMap<String, Timestamp> =
        timeout(LOOK, looking).await.ok().and_then(Result::ok).unwrap_or_default();
    for view in views {
        view.changed_at = changed.get(&view.grant).copied();
    }
}

/// A script as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) path: PathBuf,
    /// In hexadecimal digits.
    pub(crate) sha256: String,
}

impl Script {
    /// When it became another one, if it did. One that can't be read is as it was, as far as anybody can tell. Reads the
    /// file, so it is for a thread that may wait.
    pub(crate) fn changed_at(&self) -> Option<Timestamp> {
        let known = metadata(&self.path).ok().filter(|known| known.is_file() && known.len() <= LIMIT)?;
        let changed_at = known.modified().ok().and_then(|time| Timestamp::try_from(time).ok())?;
        (self.digest().ok()? != self.sha256).then_some(changed_at)
    }

    fn digest(&self) -> io::Result<String> {
        let mut content = Vec::new();
        File::open(&self.path)?.take(LIMIT).read_to_end(&mut content)?;
        Ok(Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_script_is_changed_when_its_content_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bot.py");
        let lay =
            |text: &str| File::create(&path).and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
        lay("print(1)");
        let sha256 = Sha256::digest("print(1)").iter().map(|byte| format!("{byte:02x}")).collect();
        let script = Script { path: path.clone(), sha256 };
        assert_eq!(script.changed_at(), None);
        lay("print(2)");
        assert!(script.changed_at().is_some());
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(script.changed_at(), None);
    }
}
