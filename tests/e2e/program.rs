//! A program of somebody else's that asks for tokens: a script that runs as long as a test wants it to.

use crate::stage::Stage;
use anyhow::Context;
use keybearer_tests::executables::executable;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    orders: ChildStdin,
    results: BufReader<ChildStdout>,
}

impl Program {
    /// Starts a script of this name, which asks for a token of `account` with each order.
    pub(crate) fn start(stage: &Stage, name: &str, account: &str) -> anyhow::Result<Program> {
        let keybearer = executable("keybearer");
        let text = format!(
            "#!/bin/sh\nwhile read -r order; do\n  '{}' token '{account}' >/dev/null 2>&1\n  echo $?\ndone\n",
            keybearer.display()
        );
        let script = stage.world.session.write(name, &text)?;
        let mut command = stage.world.program("/bin/sh");
        command.arg(&script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (orders, results) = (child.stdin.take().context("a pipe")?, child.stdout.take().context("a pipe")?);
        Ok(Program { child, orders, results: BufReader::new(results) })
    }

    /// Lets it ask this often, one call after the other; doesn't wait for answers.
    pub(crate) fn ask(&mut self, times: usize) -> anyhow::Result<()> {
        self.orders.write_all("\n".repeat(times).as_bytes())?;
        Ok(())
    }

    /// The exit code of the next call.
    pub(crate) fn result(&mut self) -> anyhow::Result<i32> {
        let mut line = String::new();
        self.results.read_line(&mut line)?;
        line.trim().parse().with_context(|| format!("the program said {line:?}"))
    }

    /// Asks once more and waits for the exit code.
    pub(crate) fn ask_again(&mut self) -> anyhow::Result<i32> {
        self.ask(1)?;
        self.result()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
