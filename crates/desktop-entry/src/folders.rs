//! Where entries lie (XDG Base Directory Specification). A variable that is empty or names no whole path counts as absent.

use std::env;
use std::path::PathBuf;

/// The folders of data, this user's first.
pub fn data() -> Vec<PathBuf> {
    let own = set("XDG_DATA_HOME").or_else(|| below_home(".local/share"));
    let all = env::var_os("XDG_DATA_DIRS").filter(|value| !value.is_empty());
    let all = all.unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    own.into_iter().chain(env::split_paths(&all)).collect()
}

/// The folder of what starts when this user logs in (Desktop Application Autostart Specification).
pub fn autostart() -> Option<PathBuf> {
    let config = set("XDG_CONFIG_HOME").or_else(|| below_home(".config"))?;
    Some(config.join("autostart"))
}

fn set(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn below_home(path: &str) -> Option<PathBuf> {
    Some(set("HOME")?.join(path))
}
