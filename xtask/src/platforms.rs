//! The other two systems, from Linux: everything type-checked for both, and for Windows built, tested and run under Wine.

/// A compiler for another system.
mod compiler;

use crate::released::BESIDE;
use crate::setup;
use crate::step::{cargo, detail, packages, root, step};
use crate::test::{WORKSPACE, build_window};
use anyhow::Context;
use compiler::Compiler;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MACOS: &str = "aarch64-apple-darwin";
const WINDOWS: &str = "x86_64-pc-windows-gnu";

/// The crates whose own tests run under Wine.
const TESTED: &[&str] = &[
    "keybearer-windows",
    "keybearer-protocol",
    "keybearer-oauth",
    "keybearer-ipc",
    "keybearer-core",
    "keybearer-gateway",
    "keybearer-agent",
    "keybearer",
];

/// Checks, builds and tries all of it.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::platforms()?;
    build_window()?;
    let (macos, windows) = (Compiler::of(MACOS)?, Compiler::of(WINDOWS)?);
    step("types for macOS", stand_in_for_c(&mut check(&macos))?)?;
    step("types for Windows", &mut check(&windows))?;
    if cfg!(target_arch = "x86_64") {
        try_under_wine(&windows)
    } else {
        detail("not tried: executables of Windows, which Wine runs on x86_64 alone");
        Ok(())
    }
}

/// The whole workspace: with lints where the compiler has them.
fn check(compiler: &Compiler) -> Command {
    let verb = if compiler.has_lints() { "clippy" } else { "check" };
    let mut check = compiler.cargo(&[&[verb, "--locked", "--all-targets"], WORKSPACE].concat());
    check.args(compiler.has_lints().then_some(["--", "-D", "warnings"]).into_iter().flatten());
    check
}

/// Builds the executables, and runs the crates' own tests and then the executables themselves.
fn try_under_wine(windows: &Compiler) -> anyhow::Result<()> {
    step("build for Windows", windows.cargo(&["build", "--locked"]).args(packages(BESIDE)))?;
    let wine = root().join("target/wine");
    fs::create_dir_all(&wine)?;
    lay_random_numbers(&windows.output())?;
    let tried = run_under_wine(windows, &wine);
    // Its services hold whatever they were given as output.
    let ended = step("end of Wine", in_wine(Command::new("wineserver").arg("--kill"), &wine));
    tried.and(ended)
}

fn run_under_wine(windows: &Compiler, wine: &Path) -> anyhow::Result<()> {
    // Of two programs that come first at one time, one fails, so Wine's server runs from here to the end. It says 2 when it
    // was started; whether it was shows in the next step.
    let mut server = Command::new("wineserver");
    in_wine(server.arg("--persistent").stdout(Stdio::null()).stderr(Stdio::null()), wine).status()?;
    let mut start = Command::new("wineboot");
    step("start of Wine", in_wine(start.arg("--init").stdout(Stdio::null()).stderr(Stdio::null()), wine))?;
    let mut units = windows.cargo(&["test", "--locked", "--lib", "--bins"]);
    units.args(packages(TESTED)).env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", "wine");
    step("units under Wine", in_wine(&mut units, wine))?;
    step("build of the tests", &mut cargo(&[&["build", "--locked", "--all-targets"], WORKSPACE].concat()))?;
    let mut tests = cargo(&[&["test", "--locked"], WORKSPACE, &["--test", "wine", "--", "--show-output"]].concat());
    step("executables under Wine", in_wine(&mut tests, wine).env("KEYBEARER_WINDOWS", windows.output()))?;
    detail("not tried: the window on Windows, anything on macOS, remote callers of a pipe");
    Ok(())
}

fn in_wine<'a>(command: &'a mut Command, prefix: &Path) -> &'a mut Command {
    command.env("WINEPREFIX", prefix).env("WINEDEBUG", "-all")
}

/// Lays the library beside the executables, and beside their tests, from which Rust takes its random numbers: older Wine
/// has none of its own.
fn lay_random_numbers(folder: &Path) -> anyhow::Result<()> {
    const LIBRARY: &str = "bcryptprimitives.dll";
    let mut compiler = Command::new("x86_64-w64-mingw32-gcc");
    compiler.args(["-shared", "-O2", "-o"]).arg(folder.join(LIBRARY));
    step("random numbers", compiler.arg(root().join("tests/wine/bcryptprimitives.c")).arg("-ladvapi32"))?;
    fs::copy(folder.join(LIBRARY), folder.join("deps").join(LIBRARY))?;
    Ok(())
}

/// A check links nothing, so what would compile C for macOS may just leave files behind.
fn stand_in_for_c(check: &mut Command) -> anyhow::Result<&mut Command> {
    let compiler = r#"while [ $# -gt 0 ]; do [ "$1" = -o ] && : > "$2"; shift; done"#;
    let archiver = r#"for word; do case "$word" in *.a) printf '!<arch>\n' > "$word" ;; esac; done"#;
    let (compiler, archiver) = (script("cc", compiler)?, script("ar", archiver)?);
    for variable in ["CC", "CXX"] {
        check.env(format!("{variable}_aarch64_apple_darwin"), &compiler);
    }
    Ok(check.env("AR_aarch64_apple_darwin", archiver).env("RANLIB_aarch64_apple_darwin", "true"))
}

fn script(name: &str, body: &str) -> anyhow::Result<PathBuf> {
    let folder = root().join("target/stand-ins");
    fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    #[expect(clippy::disallowed_methods, reason = "it is made anew each time")]
    fs::write(&path, format!("#!/bin/sh\n{body}\nexit 0\n")).with_context(|| path.display().to_string())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}
