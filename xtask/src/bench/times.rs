//! What was timed, in rounds: each round times everything that is to be compared, so that whatever else the machine does
//! falls on all of it.

use anyhow::ensure;
use std::process::Command;
use std::time::Duration;

/// How long something took in one round.
struct Round {
    p50: f64,
    p99: f64,
}

/// How long something took, in microseconds.
#[derive(Default)]
pub(crate) struct Times(Vec<Round>);

impl Times {
    /// Runs a program that prints nanoseconds, one on a line, and takes that as one more round.
    pub(crate) fn add(&mut self, program: &mut Command) -> anyhow::Result<()> {
        let output = program.output()?;
        ensure!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout)?;
        let times = printed.lines().map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        ensure!(!times.is_empty(), "{program:?} has timed nothing");
        self.take(times.into_iter().map(Duration::from_nanos).collect());
        Ok(())
    }

    /// Takes what was timed otherwise, at least one time, as one more round.
    pub(crate) fn take(&mut self, mut times: Vec<Duration>) {
        times.sort_unstable();
        let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e6;
        self.0.push(Round { p50: at(50), p99: at(99) });
    }

    /// How much longer it took than the floor of the same round.
    pub(crate) fn beyond(&self, floor: &Times) -> Times {
        let beyond = |(ours, floor): (&Round, &Round)| Round { p50: ours.p50 - floor.p50, p99: ours.p99 - floor.p99 };
        Times(self.0.iter().zip(&floor.0).map(beyond).collect())
    }

    /// The median of what the rounds had as their median.
    pub(crate) fn p50(&self) -> f64 {
        median(self.0.iter().map(|round| round.p50))
    }

    /// The median of what the rounds had as their 99th percentile.
    pub(crate) fn p99(&self) -> f64 {
        median(self.0.iter().map(|round| round.p99))
    }

    /// How many times as long as the floor of the same round it took, in the median.
    pub(crate) fn ratio(&self, floor: &Times) -> f64 {
        median(self.0.iter().zip(&floor.0).map(|(ours, floor)| ours.p50 / floor.p50))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
