//! House rules as tests: what the layout of this code promises, read from the files themselves.
//!
//! A failure names the file and what to do about it. Rules that rustfmt, clippy or rustc can check are theirs.

#![forbid(unsafe_code)]

/// What documents say of the code: rules and their tests, figures, keys.
mod documents;
/// Which crate may know which.
mod layers;
/// What documents point at.
mod links;
/// The document of the protocol, and its schema.
mod protocol;
/// What prints itself holds no secret.
mod secrets;
/// How every source file begins, is named, and what it leaves out.
mod sources;
/// The order of the modules within a crate.
mod stages;
/// What comes into the build from others, and goes out in packages.
mod supply;
/// The files of the repository, and how an offence is told.
mod tree;
/// The window's own borders, and the lock files of its language.
mod window;
/// The workspace as cargo sees it.
mod workspace;
