//! Elsewhere: the Run key of Windows, a launch agent on macOS.

use super::HIDDEN;
use auto_launch::{AutoLaunch, AutoLaunchBuilder, Error, MacOSLaunchMode, WindowsEnableMode};

/// Whether the system starts it, also where its own settings have the last word.
pub(super) fn is_on() -> Result<bool, Error> {
    launch()?.is_enabled()
}

/// Writes the entry, or takes it away.
pub(super) fn set(on: bool) -> Result<(), Error> {
    let launch = launch()?;
    if on { launch.enable() } else { launch.disable() }
}

fn launch() -> Result<AutoLaunch, Error> {
    let program = std::env::current_exe()?.display().to_string();
    // On Windows it becomes part of a command line.
    let program = if cfg!(windows) { format!("\"{program}\"") } else { program };
    let mut builder = AutoLaunchBuilder::new();
    builder.set_app_name("Keybearer").set_app_path(&program).set_args(&[HIDDEN]);
    builder.set_macos_launch_mode(MacOSLaunchMode::LaunchAgent);
    builder.set_windows_enable_mode(WindowsEnableMode::CurrentUser);
    builder.build()
}
