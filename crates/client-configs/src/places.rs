//! Where programs keep their files, on each system. The system is a value, so that each can be tried on every other.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variables by which a client's folder is moved, each with a folder as its value.
pub const VARIABLES: [&str; 3] = ["CLAUDE_CONFIG_DIR", "CODEX_HOME", "COPILOT_HOME"];

/// The variable that names the user's own folder.
const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

/// A kind of system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Linux and its like.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl System {
    /// The one that this runs on.
    pub fn here() -> Self {
        if cfg!(windows) {
            System::Windows
        } else if cfg!(target_os = "macos") {
            System::MacOs
        } else {
            System::Linux
        }
    }
}

/// The folders of one user on one system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The kind of system.
    pub system: System,
    /// The user's own folder.
    pub home: PathBuf,
    /// `$XDG_CONFIG_HOME`, or `.config` in the user's folder: some programs use it on every system.
    pub config: PathBuf,
    /// Where the system wants programs to keep data: `Library/Application Support`, `%APPDATA%`, or `config`.
    pub data: PathBuf,
    /// Where windowed programs are installed: `/Applications`, `%LOCALAPPDATA%\Programs` and others.
    pub programs: Vec<PathBuf>,
    /// The folders of `PATH`.
    pub executables: Vec<PathBuf>,
    /// The folders that the user has named in [`VARIABLES`].
    pub moved: BTreeMap<&'static str, PathBuf>,
}

impl Places {
    /// The usual places below a user's folder, with no program installed outside of it.
    pub fn below(system: System, home: &Path) -> Self {
        let config = home.join(".config");
        let (data, programs) = match system {
            System::Linux => (config.clone(), Vec::new()),
            System::MacOs => (home.join("Library/Application Support"), vec![home.join("Applications")]),
            System::Windows => (home.join("AppData/Roaming"), vec![home.join("AppData/Local/Programs")]),
        };
        Places {
            system,
            home: home.to_owned(),
            config,
            data,
            programs,
            executables: Vec::new(),
            moved: BTreeMap::new(),
        }
    }

    /// The places of the user as whom this runs, as the environment has them; none if it names no home. A variable that is
    /// empty or holds no whole path counts as absent.
    pub fn here() -> Option<Self> {
        let home = env::home_dir();
        Places::said_by(|name| env::var_os(name).or_else(|| home.clone().filter(|_| name == HOME).map(Into::into)))
    }

    /// The same, as somebody else's environment has them: the caller's of a service, say.
    pub fn said_by(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let set = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let mut places = Places::below(System::here(), &set(HOME)?);
        places.config = set("XDG_CONFIG_HOME").unwrap_or(places.config);
        match places.system {
            System::Linux => places.data.clone_from(&places.config),
            System::MacOs => places.programs.push(PathBuf::from("/Applications")),
            System::Windows => {
                places.data = set("APPDATA").unwrap_or(places.data);
                places.programs.extend(set("LOCALAPPDATA").map(|local| local.join("Programs")));
                places.programs.extend(["LOCALAPPDATA", "ProgramFiles"].into_iter().filter_map(set));
            }
        }
        let path = variable("PATH").unwrap_or_default();
        places.executables = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
        places.moved = VARIABLES.into_iter().filter_map(|name| Some((name, set(name)?))).collect();
        Some(places)
    }

    /// Whether a program of this name is in `PATH`.
    pub(crate) fn has_executable(&self, name: &str) -> bool {
        let endings: &[&str] = if self.system == System::Windows { &[".exe", ".cmd"] } else { &[""] };
        self.executables.iter().any(|folder| endings.iter().any(|end| folder.join(format!("{name}{end}")).is_file()))
    }

    /// Whether a windowed program of this name is installed.
    pub(crate) fn has_program(&self, name: &str) -> bool {
        let name = if self.system == System::MacOs { format!("{name}.app") } else { name.to_owned() };
        self.programs.iter().any(|folder| folder.join(&name).is_dir())
    }
}
