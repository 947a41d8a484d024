//! The system's own place for notifications, one file per family of systems. Where there is none, nothing is told, and the
//! tray still shows it.

#[cfg(not(any(target_os = "macos", windows)))]
mod freedesktop;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(windows)]
pub(super) use self::windows::Center;
#[cfg(not(any(target_os = "macos", windows)))]
pub(super) use freedesktop::Center;
#[cfg(target_os = "macos")]
pub(super) use macos::Center;
