//! Sleeping until the machine's clock shows a time, also if it is set or the machine sleeps meanwhile. One file per family of
//! systems below, with the same few names.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::Alarm;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::Alarm;

/// Why somebody is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ring {
    /// It is time.
    Due,
    /// The clock was set, or the machine has slept: what was to happen when is to be looked at anew.
    ClockJumped,
}
