//! What axe-core finds wrong with a page for people who can't see it, or not well, or use no mouse.

use crate::page::Page;
use anyhow::{Context, anyhow, bail};
use serde_json::Value;
use std::fs;
use std::sync::LazyLock;

/// Where `npm ci` puts it.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/node_modules/axe-core/axe.min.js");

/// All of axe-core, which makes itself known as `window.axe`.
static AXE: LazyLock<Result<String, String>> =
    LazyLock::new(|| fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}: run `npm ci` in ui")));

/// Every rule, best practice included; of those that are off at first, the one that WCAG 2.2 has at level AA.
const RUN: &str = r"
    const [done] = Array.from(arguments).slice(-1);
    const options = { resultTypes: ['violations'], preload: false, rules: { 'target-size': { enabled: true } } };
    axe.run(document, options).then(
        ({ violations, passes }) => done({ passes: passes.length, violations: violations.flatMap((rule) =>
            rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 200)}: ${node.failureSummary}`)) }),
        (error) => done({ error: `${error}` }),
    );";

/// The faults of what the page shows now.
pub(crate) fn faults(page: &Page) -> anyhow::Result<Vec<String>> {
    if page.execute("return typeof window.axe", &[])? == "undefined" {
        let axe = AXE.as_ref().map_err(|error| anyhow!("{error}"))?;
        page.execute(axe, &[]).context("axe-core doesn't come into the page")?;
    }
    let mut found = page.execute_to_end(RUN, &[])?;
    if let Some(error) = found["error"].as_str() {
        bail!("axe-core can't look: {error}");
    }
    // A page that axe sees nothing of would pass every rule.
    if found["passes"].as_u64().is_none_or(|passes| passes < 10) {
        bail!("axe-core saw next to nothing: {found}");
    }
    let found = found["violations"].take();
    Ok(found.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
}
