//! Whether links of Keybearer's scheme lead to its desktop, as the system says.

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::are_answered;

#[cfg(not(windows))]
mod xdg;
#[cfg(not(windows))]
pub use xdg::are_answered;
