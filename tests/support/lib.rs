//! The parts that tests and `cargo xtask` put together: executables, a private desktop session with a real keyring,
//! the practice server, and a Keybearer of its own on them.

#![forbid(unsafe_code)]

/// Planted words that must not be found.
pub mod canary;
/// A screen of its own.
#[cfg(unix)]
pub mod display;
/// The executables of this build.
pub mod executables;
/// The keyrings that people have.
#[cfg(unix)]
pub mod keyring;
/// The least HTTP that talks to servers on loopback.
pub mod loopback;
/// The main job: from a server's address to a program with a fresh token.
pub mod main_job;
/// A network of its own.
#[cfg(target_os = "linux")]
pub mod network;
/// The practice server as a process.
pub mod practice;
/// The desktop's part in tests without a window.
#[cfg(unix)]
pub mod prompter;
/// A private session bus with a real Secret Service on it.
#[cfg(unix)]
pub mod session;
/// A program on a connection of its own, driven by a test.
#[cfg(unix)]
pub mod stand_in;
/// Waiting for something to become true.
pub mod until;
/// What a process uses: time, memory, and how often it wakes up.
#[cfg(target_os = "linux")]
pub mod usage;
/// A raw connection to the agent, for what no client of ours would send.
#[cfg(unix)]
pub mod wire;
/// One Keybearer: a home, a session, and the command.
#[cfg(unix)]
pub mod world;
