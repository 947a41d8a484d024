//! Sandboxes: where a program lives that isn't an ordinary one of this user (ipc.md 2.8). Only what the system outside says
//! of it counts: inside, any file can be made to say anything.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The sandbox, container or other machine that a program speaks from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sandbox {
    /// What kind it is.
    pub kind: SandboxKind,
    /// What the system calls it, such as `org.gnome.Maps`, `firefox.geckodriver` or `docker:0f3a…`, where it has a name.
    pub name: Option<String>,
}

/// What keeps a program apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SandboxKind {
    /// A Flatpak, named by its application.
    Flatpak,
    /// A strictly confined snap, named by snap and app.
    Snap,
    /// A container, named by what runs it and the container's own id or name.
    Container,
    /// Namespaces of its own, and nothing says whose.
    Namespaces,
    /// Another computer, through a forwarded socket.
    Remote,
}

impl Sandbox {
    /// One of this kind and name.
    pub fn new(kind: SandboxKind, name: impl Into<String>) -> Sandbox {
        Sandbox { kind, name: Some(name.into()) }
    }

    /// One of this kind that nothing names.
    pub fn unnamed(kind: SandboxKind) -> Sandbox {
        Sandbox { kind, name: None }
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            SandboxKind::Flatpak => "flatpak",
            SandboxKind::Snap => "snap",
            SandboxKind::Container => "container",
            SandboxKind::Namespaces => "namespaces",
            SandboxKind::Remote => "remote",
        };
        match &self.name {
            Some(name) => write!(f, "{kind}:{name}"),
            None => f.write_str(kind),
        }
    }
}
