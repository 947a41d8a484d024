//! The table: a figure, what it is measured against, and whether the goal is met.

use super::times::Times;
use crate::step::{detail, root, say};
use anyhow::Context;
use std::fmt::Write as _;
use std::fs;

/// Where the table belongs, from the project's root; there it stands between the command and this line.
const DOCUMENT: &str = "docs/performance.md";
const END: &str = "<!-- end -->\n";

/// Above the rows.
const HEAD: &str =
    "| | p50 | p99 | measured against | its p50 | ratio | goal |\n| --- | --- | --- | --- | --- | --- | --- |\n";

/// What was measured.
#[derive(Default)]
pub(crate) struct Table {
    rows: String,
    missed: usize,
}

impl Table {
    /// A time beside another one of the same run, of which it may be so many times as long at most.
    pub(crate) fn compare(&mut self, what: &str, ours: &Times, against: &str, floor: &Times, goal: f64) {
        let ratio = ours.ratio(floor);
        let goal = self.judge(ratio <= goal, &format!("≤ {}", share(goal)));
        let (p50, p99, least, ratio) = (ours.p50(), ours.p99(), floor.p50(), share(ratio));
        self.row(&format!("{what} | {p50:.1} µs | {p99:.1} µs | {against} | {least:.1} µs | {ratio} | {goal}"));
    }

    /// The memory of a process beside another's, in bytes, of which it may be so many times as much at most.
    pub(crate) fn compare_memory(&mut self, what: &str, ours: u64, against: &str, theirs: u64, goal: f64) {
        let ratio = ours as f64 / theirs as f64;
        let goal = self.judge(ratio <= goal, &format!("≤ {}", share(goal)));
        let [ours, theirs] = [ours, theirs].map(|bytes| in_words(bytes as f64 / f64::from(1 << 20), "MiB"));
        self.row(&format!("{what} | {ours} | | {against} | {theirs} | {} | {goal}", share(ratio)));
    }

    /// A time that is only told.
    pub(crate) fn time(&mut self, what: &str, time: &Times) {
        self.row(&format!("{what} | {:.1} µs | {:.1} µs | | | |", time.p50(), time.p99()));
    }

    /// A figure that may be so large at most.
    pub(crate) fn limit(&mut self, what: &str, figure: f64, unit: &str, goal: f64) {
        let goal = self.judge(figure <= goal, &format!("≤ {goal} {unit}"));
        self.row(&format!("{what} | {} | | | | | {goal}", in_words(figure, unit)));
    }

    /// A figure that is only told.
    pub(crate) fn note(&mut self, what: &str, figure: f64, unit: &str) {
        self.row(&format!("{what} | {} | | | | |", in_words(figure, unit)));
    }

    /// Prints it.
    pub(crate) fn tell(&self) {
        say("figures");
        format!("{HEAD}{}", self.rows).lines().for_each(detail);
        match self.missed {
            0 => say("every goal is met"),
            missed => say(&format!("goals that are not met: {missed}")),
        }
    }

    /// Puts it into the document, in the place of this command.
    pub(crate) fn write(&self, command: &str) -> anyhow::Result<()> {
        let begin = format!("<!-- {command} -->\n");
        let path = root().join(DOCUMENT);
        let text = fs::read_to_string(&path)?;
        let (before, rest) = text.split_once(&begin).context("the table's place has no beginning")?;
        let (_, after) = rest.split_once(END).context("the table's place has no end")?;
        #[expect(clippy::disallowed_methods, reason = "git keeps what was there before")]
        fs::write(&path, format!("{before}{begin}\n{HEAD}{}\n{END}{after}", self.rows))?;
        detail(&format!("written: {DOCUMENT}"));
        Ok(())
    }

    fn judge(&mut self, met: bool, goal: &str) -> String {
        self.missed += usize::from(!met);
        format!("{}{}", goal.trim_end(), if met { ", met" } else { ", **missed**" })
    }

    fn row(&mut self, row: &str) {
        detail(row);
        let _ = writeln!(self.rows, "| {row} |");
    }
}

/// How many times as much, or which part of it.
fn share(ratio: f64) -> String {
    if (0.0..0.3).contains(&ratio) { format!("1/{:.0}", 1.0 / ratio) } else { format!("{ratio:.2}") }
}

fn in_words(figure: f64, unit: &str) -> String {
    let digits = if unit.is_empty() { 0 } else { 1 };
    format!("{figure:.digits$} {unit}").trim_end().to_owned()
}
