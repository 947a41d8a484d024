//! Where the sockets are: one private folder for each door, so that a sandbox can be given one of them (REQ-D1). On
//! Windows: pipes, whose names hold the user and the home.

use keybearer_protocol::Door;
use std::env;
use std::path::{Path, PathBuf};

/// The base folder of one Keybearer's sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    base: PathBuf,
}

/// Why there is no place for the sockets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Neither a runtime folder nor a home folder.
    #[error("this user has no runtime folder; name one with KEYBEARER_SOCKET")]
    Nowhere,
    /// A path that means another place in each folder.
    #[error("KEYBEARER_SOCKET must be a whole path, and {0} isn't")]
    Relative(PathBuf),
    /// The system limits a socket's path to about a hundred bytes.
    #[error("{0} is too long a path for a socket; name a shorter folder with KEYBEARER_SOCKET")]
    TooLong(PathBuf),
    /// The system doesn't say whose Keybearer this is.
    #[error("the system doesn't say who you are: {0}")]
    Unknown(String),
}

/// What a socket's path may hold at most: `sun_path` of macOS, the smaller one, without its end.
#[cfg(unix)]
pub(crate) const PATH_LIMIT: usize = 103;

impl Place {
    /// The place of the Keybearer with this home (`KEYBEARER_HOME`), or of the user's own.
    pub fn of(home: Option<&Path>) -> Result<Place, PlaceError> {
        let base = match (path_from("KEYBEARER_SOCKET"), home) {
            (Some(named), _) if named.is_relative() => return Err(PlaceError::Relative(named)),
            (Some(named), _) => named,
            (None, Some(home)) => home.join("run"),
            (None, None) => runtime_folder().ok_or(PlaceError::Nowhere)?.join("keybearer"),
        };
        Place::at(base)
    }

    #[cfg(unix)]
    fn at(base: PathBuf) -> Result<Place, PlaceError> {
        let place = Place { base };
        let longest = place.socket(Door::Gateway);
        if longest.as_os_str().len() <= PATH_LIMIT {
            return Ok(place);
        }
        // A deep home folder gets its sockets in the runtime folder, under a name that only it has.
        let short =
            runtime_folder().map(|folder| Place { base: folder.join(format!("keybearer-{:016x}", hash(&longest))) });
        short
            .filter(|place| place.socket(Door::Gateway).as_os_str().len() <= PATH_LIMIT)
            .ok_or(PlaceError::TooLong(longest))
    }

    /// Pipes lie in no folder: their names hold who the user is, and which of their Keybearers is meant. Paths that differ
    /// in the case of letters mean the same folder.
    #[cfg(windows)]
    fn at(base: PathBuf) -> Result<Place, PlaceError> {
        let user = keybearer_windows::user::current().map_err(|error| PlaceError::Unknown(error.to_string()))?;
        let base = std::path::absolute(&base).unwrap_or(base);
        let whose = format!("{user} {}", base.to_string_lossy().to_lowercase());
        Ok(Place { base: PathBuf::from(format!(r"\\.\pipe\keybearer.{:016x}", hash(Path::new(&whose)))) })
    }

    /// The place of the environment: `KEYBEARER_SOCKET`, `KEYBEARER_HOME`, or the user's own.
    pub fn of_environment() -> Result<Place, PlaceError> {
        Place::of(path_from("KEYBEARER_HOME").as_deref())
    }

    /// The base folder; of pipes, what all their names begin with.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// The folder of a door's socket, for its owner alone.
    #[cfg(unix)]
    pub fn folder(&self, door: Door) -> PathBuf {
        self.base.join(door.name())
    }

    /// A door's pipe.
    #[cfg(windows)]
    pub fn socket(&self, door: Door) -> PathBuf {
        let mut name = self.base.clone().into_os_string();
        name.push(format!(".{}.v1", door.name()));
        PathBuf::from(name)
    }

    /// A door's socket.
    #[cfg(unix)]
    pub fn socket(&self, door: Door) -> PathBuf {
        self.folder(door).join(match door {
            // The same name: a container may be given the restricted folder in the place of the other.
            Door::Programs | Door::Restricted => "agent.v1.sock",
            Door::Admin => "admin.v1.sock",
            Door::Gateway => "gateway-http.v1.sock",
        })
    }
}

fn path_from(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(unix)]
fn runtime_folder() -> Option<PathBuf> {
    let by_user = PathBuf::from(format!("/run/user/{}", rustix::process::geteuid().as_raw()));
    // After `su` or `sudo` the variable may still name another user's folder.
    path_from("XDG_RUNTIME_DIR")
        .filter(|folder| crate::socket::is_private(folder))
        .or_else(|| crate::socket::is_private(&by_user).then_some(by_user))
        .or_else(|| path_from("HOME").map(|home| home.join(".local/state/keybearer/run")))
}

#[cfg(windows)]
fn runtime_folder() -> Option<PathBuf> {
    path_from("LOCALAPPDATA")
}

/// FNV-1a: the same for the same path in every version and process; no secret hangs on it.
pub(crate) fn hash(path: &Path) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    path.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(all(test, windows))]
mod tests {
    use super::*;

    #[test]
    fn each_home_has_pipes_of_its_own_however_its_letters_are_written() {
        let at = |home: &str| Place::of(Some(Path::new(home))).expect("a place");
        let pipe = at(r"C:\Keys").socket(Door::Admin).to_string_lossy().into_owned();
        assert!(pipe.starts_with(r"\\.\pipe\keybearer.") && pipe.ends_with(".admin.v1"), "{pipe}");
        assert_eq!(at(r"C:\Keys"), at(r"c:\keys"));
        assert_ne!(at(r"C:\Keys"), at(r"C:\Other"));
        assert_ne!(at(r"C:\Keys").socket(Door::Programs), at(r"C:\Keys").socket(Door::Admin));
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn each_door_has_a_folder_of_its_own_and_deep_homes_get_short_paths() {
        let place = Place::of(Some(Path::new("/tmp/kb"))).expect("a place");
        assert_eq!(place.socket(Door::Programs), Path::new("/tmp/kb/run/programs/agent.v1.sock"));
        assert_eq!(place.socket(Door::Admin), Path::new("/tmp/kb/run/admin/admin.v1.sock"));
        assert_eq!(place.socket(Door::Restricted), Path::new("/tmp/kb/run/restricted/agent.v1.sock"));
        let deep = |name: &str| Place::of(Some(&Path::new("/tmp").join(name.repeat(60)))).expect("a place");
        assert!(deep("ab").socket(Door::Programs).as_os_str().len() <= PATH_LIMIT);
        assert_ne!(deep("ab"), deep("ba"));
    }
}
