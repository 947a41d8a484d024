//! Programs: the processes that ask for tokens, as the kernel tells of them.

use crate::sandbox::Sandbox;
use serde::{Deserialize, Serialize};

/// The program behind a request: the one that a person would name, past helpers and shells (REQ-I6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ProgramView {
    /// The file name of its script or executable; absent for a program that can't be identified.
    pub name: Option<String>,
    /// Its process id.
    pub pid: Option<u32>,
    /// When the process began, in the kernel's own clock: with `pid` it names this one running program.
    pub started: Option<String>,
    /// The executable.
    pub exe: Option<String>,
    /// Who signed the executable, and as what, if that is how it is known: it stays the same through updates.
    pub signer: Option<String>,
    /// The script that the executable runs, where it is an interpreter (REQ-I7).
    pub script: Option<String>,
    /// The script's SHA-256 in hexadecimal digits.
    pub script_sha256: Option<String>,
    /// The folder that it works in.
    pub folder: Option<String>,
    /// How sure the rest is.
    pub confidence: Confidence,
    /// Whether other users can change the executable or the script.
    pub others_can_change: bool,
    /// The sandbox, container or other machine that it speaks from; what it is called there proves nothing.
    pub sandbox: Option<Sandbox>,
    /// Who started whom, the oldest first, the caller last.
    pub chain: Vec<ProcessView>,
}

/// One process of the chain that led to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ProcessView {
    /// Its process id.
    pub pid: u32,
    /// What it is called.
    pub name: String,
    /// Whether it is the program that an answer is remembered for.
    pub remembered: bool,
}

/// How surely a program is known (REQ-I5), the surest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A publisher signed it.
    Signed,
    /// Only the system's administrator can change it.
    System,
    /// This user can change it.
    Hash,
    /// A script under an interpreter, known by path and content.
    Script,
    /// A running process, and no more.
    PidOnly,
    /// Nothing is known.
    #[default]
    Unknown,
}
