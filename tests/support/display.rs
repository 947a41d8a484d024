//! A screen of its own, without a person in front of it: Xvfb on a display that it picks itself.

use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A screen, which goes dark when it is dropped.
#[derive(Debug)]
pub struct Display {
    child: Child,
    name: String,
}

impl Display {
    /// A screen of 1280 by 800 points with true colours.
    pub fn new() -> anyhow::Result<Display> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.context("Xvfb can't be started: `cargo xtask e2e` installs it")?;
        let mut number = String::new();
        let out = child.stdout.take().context("a pipe")?;
        BufReader::new(out).read_line(&mut number)?;
        ensure!(!number.trim().is_empty(), "Xvfb found no free display");
        Ok(Display { child, name: format!(":{}", number.trim()) })
    }

    /// Its name, such as `:1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The variables that lead programs to this screen, and make what they draw there the same everywhere.
    pub fn environment(&self) -> [(&'static str, &str); 5] {
        [
            ("DISPLAY", &self.name),
            ("GDK_BACKEND", "x11"),
            ("LIBGL_ALWAYS_SOFTWARE", "1"),
            // Without it a picture taken over WebDriver shows what was there a second before.
            ("WEBKIT_SKIA_ENABLE_CPU_RENDERING", "1"),
            // With a desktop's name `xdg-open` leaves the work to GLib, which reads every handler's file.
            ("XDG_CURRENT_DESKTOP", "GNOME"),
        ]
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
