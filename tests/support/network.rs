//! A network of its own, for what happens where there is none.

use anyhow::ensure;
use std::io::Read;
use std::process::{Child, Command, Stdio};

/// A network with nothing but loopback in it, as long as it lives.
#[derive(Debug)]
pub struct Network(Child);

impl Network {
    /// None where this user may not make one.
    pub fn new() -> Option<Network> {
        let mut child = Command::new("unshare")
            .args(["--net", "sh", "-c", "ip link set lo up && echo up && exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut answer = [0; 2];
        let is_up = child.stdout.as_mut()?.read_exact(&mut answer).is_ok();
        let network = Network(child);
        is_up.then_some(network)
    }

    /// What runs a program in this network.
    pub fn inside(&self) -> [String; 2] {
        ["nsenter".to_owned(), format!("--net=/proc/{}/ns/net", self.0.id())]
    }

    /// Runs a program in it to its end.
    pub fn run(&self, words: &[&str]) -> anyhow::Result<()> {
        let [program, which] = self.inside();
        ensure!(Command::new(program).arg(which).args(words).status()?.success(), "{words:?} failed");
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
