//! The files of MCP clients, from outside: real-looking samples in a home of their own.

#![forbid(unsafe_code)]

/// A home with clients in it.
mod home;
/// Each client: what is found in its file, what each way writes, and that it can be taken back.
mod samples;
/// What people read about it.
mod document;
/// Where files lie, on each system.
mod systems;
/// What is found, and which of it is the same.
mod finding;
/// What is written, and what never is.
mod writing;
/// Taking back.
mod undoing;
/// Files that nobody's client wrote.
mod hostile;
