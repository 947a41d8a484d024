//! The official conformance suite: every scenario of authorization, strictly.

use crate::setup;
use crate::step::{cargo, detail, root, say, step};
use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the suite lies when it is installed, from the project's root.
const SUITE: &str = "tests/conformance/node_modules/@modelcontextprotocol/conformance";

/// Where the suite leaves what it saw, from the project's root.
const RESULTS: &str = "target/conformance";

/// The client that the suite tries, from the project's root. The suite splits its command at blanks, so no whole path.
const CLIENT: &str = "target/debug/keybearer-conformance";

/// The revisions of MCP whose frozen requirements are tried.
const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];

/// How the browser comes back.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callback {
    /// By a link of Keybearer's own scheme
    DeepLink,
    /// To a port of this machine
    Loopback,
}

impl Callback {
    /// The word for it in the protocol of the sockets.
    fn word(self) -> &'static str {
        match self {
            Callback::DeepLink => "deep_link",
            Callback::Loopback => "loopback",
        }
    }
}

/// Builds what the suite tries, and has it try everything.
pub(crate) fn run(scenario: Option<&str>, callback: Option<Callback>) -> anyhow::Result<()> {
    step("build", &mut cargo(&["build", "--locked"]))?;
    let client = ["build", "--locked", "--package", "keybearer-tests", "--bin", "keybearer-conformance"];
    step("the suite's client", &mut cargo(&client))?;
    try_suite(scenario, callback)
}

/// Tries every scenario alone, once for each way back, then those that each revision requires, in the words of that
/// revision. A warning of the suite is a failure, and so is a client that ends with an error where the suite doesn't
/// want that.
pub(crate) fn try_suite(scenario: Option<&str>, callback: Option<Callback>) -> anyhow::Result<()> {
    let node = setup::conformance()?;
    let callbacks: Vec<Callback> =
        Callback::value_variants().iter().copied().filter(|one| callback.is_none_or(|wished| wished == *one)).collect();
    let mut verdicts = Vec::new();
    for &callback in &callbacks {
        let suite = Suite { node: node.clone(), callback };
        let scenarios = scenario.map_or_else(|| suite.scenarios(), |scenario| Ok(vec![scenario.to_owned()]))?;
        say(&format!("conformance, by {}", callback.word()));
        verdicts.extend(suite.try_all(&scenarios, None)?);
    }
    let revisions = if scenario.is_none() { &REVISIONS[..] } else { &[] };
    for (&revision, &callback) in revisions.iter().zip(callbacks.iter().cycle()) {
        say(&format!("what {revision} requires, by {}", callback.word()));
        verdicts.extend(Suite { node: node.clone(), callback }.try_all(&required(revision)?, Some(revision))?);
    }
    sum_up(&verdicts)
}

struct Suite {
    node: PathBuf,
    callback: Callback,
}

/// What came of a scenario.
struct Verdict {
    scenario: String,
    /// The checks that failed or warned; or, without any, how the client ended.
    against: Option<String>,
}

impl Suite {
    /// The suite's own command.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(root().join(SUITE).join("dist/index.js")).args(arguments).current_dir(root());
        command.env("KEYBEARER_CONFORMANCE_CALLBACK", self.callback.word());
        command
    }

    /// The names of all scenarios of authorization.
    fn scenarios(&self) -> anyhow::Result<Vec<String>> {
        let output = self.command(&["list", "--client"]).output().context("the suite can't be started")?;
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let names = listed.split_whitespace().filter(|word| word.starts_with("auth/"));
        let names: Vec<String> = names.map(str::to_owned).collect();
        ensure!(!names.is_empty(), "the suite lists no scenario: {}", String::from_utf8_lossy(&output.stderr));
        Ok(names)
    }

    fn try_all(&self, scenarios: &[String], revision: Option<&str>) -> anyhow::Result<Vec<Verdict>> {
        scenarios.iter().map(|scenario| self.try_one(scenario, revision)).collect()
    }

    /// One scenario alone: the one mode in which the suite looks at warnings, time and the client's end as well.
    fn try_one(&self, scenario: &str, revision: Option<&str>) -> anyhow::Result<Verdict> {
        let results =
            root().join(RESULTS).join(revision.unwrap_or(self.callback.word())).join(scenario.replace('/', "-"));
        if results.exists() {
            fs::remove_dir_all(&results)?;
        }
        fs::create_dir_all(&results)?;
        let mut command = self.command(&["client", "--command", CLIENT, "--scenario", scenario, "--output-dir"]);
        command.arg(&results).args(revision.iter().flat_map(|revision| ["--spec-version", revision]));
        let log = fs::File::create(results.join("suite.log"))?;
        let status = command.stdout(log.try_clone()?).stderr(log).stdin(Stdio::null()).status()?;
        let against = (!status.success()).then(|| complaint(&results));
        let verdict = Verdict { scenario: scenario.to_owned(), against };
        detail(&verdict.line());
        Ok(verdict)
    }
}

impl Verdict {
    fn line(&self) -> String {
        match &self.against {
            None => format!("passed  {}", self.scenario),
            Some(against) => format!("FAILED  {}: {against}", self.scenario),
        }
    }
}

/// The scenarios of authorization in a revision's frozen requirements. What is not scored there has another form.
fn required(revision: &str) -> anyhow::Result<Vec<String>> {
    let file = root().join(SUITE).join(format!("requirements/{revision}.yaml"));
    let text = fs::read_to_string(&file).with_context(|| format!("{} can't be read", file.display()))?;
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("- ")).filter(|name| name.starts_with("auth/"));
    let names: Vec<String> = names.map(str::to_owned).collect();
    ensure!(!names.is_empty(), "{} requires nothing of authorization", file.display());
    Ok(names)
}

/// Why a scenario isn't passed: its checks, or else the last words of the client.
fn complaint(results: &Path) -> String {
    let checks = found(results, "checks.json").and_then(|file| serde_json::from_slice::<Vec<Value>>(&file).ok());
    let is_against = |check: &&Value| matches!(check["status"].as_str(), Some("FAILURE" | "WARNING"));
    let checks = checks.unwrap_or_default();
    let against: Vec<String> = checks
        .iter()
        .filter(is_against)
        .map(|check| format!("{} ({})", text(check, "id"), text(check, "status").to_lowercase()))
        .collect();
    if !against.is_empty() {
        return against.join(", ");
    }
    let said = found(results, "stderr.txt").unwrap_or_default();
    let said = String::from_utf8_lossy(&said).into_owned();
    said.lines().next().unwrap_or("the client said nothing").to_owned()
}

/// A file that the suite left two folders below this one, whose names hold the time.
fn found(results: &Path, name: &str) -> Option<Vec<u8>> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
    };
    let runs = below(results).into_iter().flat_map(|folder| below(&folder));
    runs.filter_map(|run| fs::read(run.join(name)).ok()).next()
}

fn text<'a>(check: &'a Value, field: &str) -> &'a str {
    check[field].as_str().unwrap_or_default()
}

fn sum_up(verdicts: &[Verdict]) -> anyhow::Result<()> {
    let failed = verdicts.iter().filter(|verdict| verdict.against.is_some()).count();
    say(&format!("{} of {} passed", verdicts.len() - failed, verdicts.len()));
    if failed > 0 {
        bail!("{failed} failed; what the suite and its client said lies in {RESULTS}");
    }
    Ok(())
}
