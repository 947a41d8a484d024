//! The folders of one Keybearer, and how a file in them is replaced.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where one Keybearer keeps its files. `KEYBEARER_HOME` moves all of them into one folder.
#[derive(Clone, Debug)]
pub struct Home {
    config: PathBuf,
    state: PathBuf,
}

/// Why the folders can't be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HomeError {
    /// The system names no home folder for this user.
    #[error("this user has no home folder; name one with KEYBEARER_HOME")]
    NoHome,
    /// A folder or file can't be made, read or written.
    #[error("{path} can't be used: {cause}")]
    Unusable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
}

impl Home {
    /// The folders under `root`, or the platform's own where none is named. Makes them, for this user alone.
    pub fn open(root: Option<&Path>) -> Result<Home, HomeError> {
        let home = Home::at(root)?;
        for folder in home.folders() {
            make_private(folder).map_err(|error| unusable(folder, &error))?;
        }
        Ok(home)
    }

    /// The same, whether or not they are there.
    pub fn at(root: Option<&Path>) -> Result<Home, HomeError> {
        match root {
            Some(root) => Ok(Home { config: root.join("config"), state: root.join("state") }),
            None => Home::of_platform(),
        }
    }

    fn of_platform() -> Result<Home, HomeError> {
        let dirs = directories::ProjectDirs::from("app", "keybearer", "keybearer").ok_or(HomeError::NoHome)?;
        let state = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir());
        Ok(Home { config: dirs.config_dir().to_owned(), state: state.to_owned() })
    }

    /// The folders: of what people edit, and of the rest.
    pub fn folders(&self) -> [&Path; 2] {
        [&self.config, &self.state]
    }

    /// The profiles.
    pub fn servers_file(&self) -> PathBuf {
        self.config.join("servers.json")
    }

    /// How Keybearer looks and behaves.
    pub fn settings_file(&self) -> PathBuf {
        self.config.join("settings.json")
    }

    /// What was learned about the ways back from authorization servers.
    pub fn redirects_file(&self) -> PathBuf {
        self.state.join("redirects.json")
    }

    /// Held by the one agent of this home as long as it lives (REQ-D6).
    pub fn lock_file(&self) -> PathBuf {
        self.state.join("agent.lock")
    }

    /// What was asked of authorization servers and not brought to its end yet.
    pub fn journal_folder(&self) -> PathBuf {
        self.state.join("journal")
    }

    /// What happened: who got which token, and when.
    pub fn activity_file(&self) -> PathBuf {
        self.state.join("activity.db")
    }

    /// What was written into the files of MCP clients, so that it can be taken back.
    pub fn clients_folder(&self) -> PathBuf {
        self.state.join("clients")
    }

    /// What the agent tells of itself when nobody watches it.
    pub fn log_file(&self) -> PathBuf {
        self.state.join("agent.log")
    }

    /// A random name of this home, made once: it tells its keyring items from those of other homes.
    pub fn id(&self) -> Result<String, HomeError> {
        if let Some(id) = self.known_id()? {
            return Ok(id);
        }
        let (path, id) = (self.id_file(), random_id());
        replace(&path, id.as_bytes()).map_err(|error| unusable(&path, &error))?;
        Ok(id)
    }

    /// The same, if it was made already.
    pub fn known_id(&self) -> Result<Option<String>, HomeError> {
        let path = self.id_file();
        match fs::read_to_string(&path) {
            Ok(id) => Ok(Some(id.trim().to_owned()).filter(|id| !id.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(&path, &error)),
        }
    }

    fn id_file(&self) -> PathBuf {
        self.state.join("home-id")
    }
}

/// Sixteen random hexadecimal digits.
pub fn random_id() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("an operating system without chance can't keep secrets either");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces a file at once: whoever reads it sees the old content or the new, also after a power cut.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    // A link, such as into a folder of dotfiles, stays; the file that it names is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    // The standard library's own way also replaces a file that somebody has open on Windows, where nobody may have the new
    // one open. If it can't take the old one's place, it is removed.
    let new = file.into_temp_path();
    fs::rename(&new, &path)?;
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

/// Makes a folder for this user alone, and those above it; one that is there is as good.
pub fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Whether something wasn't written for lack of room.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn unusable(path: &Path, error: &io::Error) -> HomeError {
    HomeError::Unusable { path: path.to_owned(), cause: error.to_string() }
}
