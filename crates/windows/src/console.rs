//! The console that this process shares with its children.

use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, SetConsoleCtrlHandler};
use windows_sys::core::BOOL;

/// Leaves Ctrl+C and Ctrl+Break to the children, which hear of them as well, so that this process can tell how they
/// ended. Children don't inherit that.
pub fn leave_interrupts_to_children() {
    // SAFETY: the function is there as long as the process. Where it isn't taken, this process ends with its children.
    unsafe { SetConsoleCtrlHandler(Some(stay), 1) };
}

/// Says of an interrupt that it was dealt with, and of nothing else.
unsafe extern "system" fn stay(event: u32) -> BOOL {
    BOOL::from(matches!(event, CTRL_C_EVENT | CTRL_BREAK_EVENT))
}
