//! A compiler for another system: rustup's, with that system's standard library, or else Debian's, which brings the
//! library's sources along.

use crate::setup;
use crate::step::{cargo, detail, root, say};
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Debian's compiler lies, also on machines where another comes first.
const DEBIANS: &str = "/usr/bin/rustc";

/// A compiler for one target.
#[derive(Debug)]
pub(super) struct Compiler {
    target: &'static str,
    is_debians: bool,
}

impl Compiler {
    /// The one for this target; installs what is missing.
    pub(super) fn of(target: &'static str) -> anyhow::Result<Compiler> {
        say(&format!("a compiler for {target}"));
        let mut rustup = Command::new("rustup");
        rustup.args(["target", "add", target]).env("RUSTUP_MAX_RETRIES", "1").stdin(Stdio::null());
        let mut rustup = || rustup.output();
        if has_library(target) || (rustup().is_ok_and(|added| added.status.success()) && has_library(target)) {
            detail("the one that builds for this system");
            return Ok(Compiler { target, is_debians: false });
        }
        detail("Debian's, with the standard library from its sources");
        setup::debians_compiler()?;
        let version = Command::new(DEBIANS).arg("--version").output().context(DEBIANS)?;
        ensure!(version.status.success(), "{DEBIANS} doesn't run; `rustup target add {target}` would do as well");
        Ok(Compiler { target, is_debians: true })
    }

    /// `cargo` for the target. Debian's compiler has a folder of its own, so that neither undoes the other's work.
    pub(super) fn cargo(&self, arguments: &[&str]) -> Command {
        let (verb, rest) = arguments.split_first().expect("a verb");
        if !self.is_debians {
            return cargo(&[&[*verb, "--target", self.target], rest].concat());
        }
        let mut command = Command::new("/usr/bin/cargo");
        command.arg(verb).arg("-Zbuild-std=std,panic_abort,test").args(["--target", self.target]).args(rest);
        command.current_dir(root()).env("CARGO", "/usr/bin/cargo").env("RUSTC", DEBIANS).env("RUSTC_BOOTSTRAP", "1");
        command.env("RUSTDOC", "/usr/bin/rustdoc").env("CARGO_TARGET_DIR", self.folder());
        command.env_remove("RUSTUP_TOOLCHAIN");
        command
    }

    /// Whether clippy came with it.
    pub(super) fn has_lints(&self) -> bool {
        !self.is_debians
    }

    /// Where it puts executables.
    pub(super) fn output(&self) -> PathBuf {
        self.folder().join(self.target).join("debug")
    }

    fn folder(&self) -> PathBuf {
        let own = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        if self.is_debians { own.join("debian") } else { own }
    }
}

/// Whether the compiler that built this program has the target's standard library.
fn has_library(target: &str) -> bool {
    let mut question = Command::new("rustc");
    let answer = question.args(["--print", "target-libdir", "--target", target]).stderr(Stdio::null()).output();
    let Ok(answer) = answer else { return false };
    let folder = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    answer.status.success() && Path::new(&folder).is_dir()
}
