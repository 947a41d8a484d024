//! The workspace as cargo sees it.

use crate::tree::root;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A crate of the workspace.
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: String,
    /// The path of its manifest from the root, with `/` on every system.
    pub(crate) manifest: String,
    /// The files in which its libraries, executables and tests begin; its build script is none of them.
    pub(crate) roots: Vec<String>,
    /// All that it asks for, for every system and every purpose.
    pub(crate) dependencies: Vec<Dependency>,
}

/// What a crate asks for.
pub(crate) struct Dependency {
    /// The package's own name, whatever it is renamed to.
    pub(crate) name: String,
    /// Whether tests alone have it.
    pub(crate) for_tests: bool,
}

/// The crates of the workspace.
pub(crate) fn members() -> Vec<Member> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().expect("cargo can be started");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let folder = Path::new(text(&metadata["workspace_root"]));
    list(&metadata["packages"]).iter().map(|package| member(folder, package)).collect()
}

fn member(folder: &Path, package: &Value) -> Member {
    let from_root = |path: &Value| {
        let below = Path::new(text(path)).strip_prefix(folder).expect("members lie below the root");
        below.to_string_lossy().replace('\\', "/")
    };
    let built = list(&package["targets"]).iter().filter(|target| target["kind"] != serde_json::json!(["custom-build"]));
    let asked = list(&package["dependencies"]).iter();
    Member {
        name: text(&package["name"]).to_owned(),
        manifest: from_root(&package["manifest_path"]),
        roots: built.map(|target| from_root(&target["src_path"])).collect(),
        dependencies: asked
            .map(|found| Dependency { name: text(&found["name"]).to_owned(), for_tests: found["kind"] == "dev" })
            .collect(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("cargo metadata names things with strings")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("cargo metadata lists things in arrays")
}
