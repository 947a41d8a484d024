//! The browser and the person in front of it: keeps the addresses that it is told to open, and goes there when a test
//! says so, which may be after everything else was killed.

use anyhow::{Context, ensure};
use keybearer_tests::executables::executable;
use keybearer_tests::loopback;
use keybearer_tests::until::until;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A browser with nobody's tabs but the test's own.
#[derive(Debug)]
pub(crate) struct Browser {
    /// The program that takes an address to open.
    pub(crate) program: PathBuf,
    opened: PathBuf,
}

impl Browser {
    /// A browser that keeps its things in this folder.
    pub(crate) fn new(folder: &Path) -> anyhow::Result<Browser> {
        let (program, opened) = (folder.join("browser"), folder.join("opened"));
        let script = format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{}'\n", opened.display());
        place(&program, &script)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        place(&opened, "")?;
        Ok(Browser { program, opened })
    }

    /// Makes it the session's browser, as a distribution would: by a desktop file and the session's list of handlers.
    pub(crate) fn install(&self, data: &Path, mut xdg_mime: Command) -> anyhow::Result<()> {
        let file = format!(
            "[Desktop Entry]\nType=Application\nName=Browser\nExec={} %u\nNoDisplay=true\n\
             MimeType=x-scheme-handler/http;x-scheme-handler/https;\n",
            self.program.display()
        );
        fs::create_dir_all(data.join("applications"))?;
        place(&data.join("applications/browser.desktop"), &file)?;
        xdg_mime.args(["default", "browser.desktop", "x-scheme-handler/http", "x-scheme-handler/https"]);
        ensure!(xdg_mime.status().context("xdg-mime can't be started")?.success(), "the browser can't be made default");
        Ok(())
    }

    /// The addresses that it was told to open so far.
    pub(crate) fn opened(&self) -> Vec<String> {
        let opened = fs::read_to_string(&self.opened).unwrap_or_default();
        opened.lines().map(str::to_owned).collect()
    }

    /// The address that it was told to open last, once there are this many.
    pub(crate) fn wait_for(&self, count: usize) -> anyhow::Result<String> {
        until("the browser", || Ok(self.opened().get(count - 1).cloned()))
    }

    /// Signs in as a person would; gives the address that the browser is sent back to, and goes no further.
    pub(crate) fn consent(&self, address: &str) -> anyhow::Result<String> {
        let mut person = Command::new(executable("keybearer-practice"));
        let output = person.args(["browse", "--print", address]).output()?;
        ensure!(output.status.success(), "the person got: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Goes back to a listener on loopback.
    pub(crate) fn return_to(&self, callback: &str) -> anyhow::Result<()> {
        let answer = loopback::request("GET", callback, None)?;
        ensure!(answer.status == 200, "the listener answered {}: {}", answer.status, answer.body);
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "nobody reads a test's file while it is written")]
fn place(path: &Path, content: &str) -> std::io::Result<()> {
    fs::write(path, content)
}
