//! Servers that nobody here wrote.

#![forbid(unsafe_code)]
