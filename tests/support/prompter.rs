//! The desktop's part in tests without a window: it registers as prompter, sees the prompts and answers them.

use crate::stand_in::StandIn;
use crate::until::until;
use crate::world::World;
use serde_json::{Value, json};

/// A registered prompter.
#[derive(Debug)]
pub struct Prompter(pub StandIn);

impl Prompter {
    /// Registers in this world, whose agent is started if need be.
    pub fn register(world: &World) -> anyhow::Result<Prompter> {
        let mut prompter = Prompter(world.desktop()?);
        prompter.0.ok("prompt.register", &json!({}))?;
        Ok(prompter)
    }

    /// The prompts that wait now.
    pub fn prompts(&mut self) -> anyhow::Result<Vec<Value>> {
        let queue = self.0.ok("prompt.next", &json!({}))?;
        Ok(queue["prompts"].as_array().cloned().unwrap_or_default())
    }

    /// The first prompt, once there is one.
    pub fn prompt(&mut self) -> anyhow::Result<Value> {
        until("a prompt", || Ok(self.prompts()?.into_iter().next()))
    }

    /// Answers the first prompt, once there is one; gives it.
    pub fn answer(&mut self, decision: &str) -> anyhow::Result<Value> {
        let prompt = self.prompt()?;
        self.0.ok("prompt.answer", &json!({ "prompt": prompt["prompt"], "decision": decision }))?;
        Ok(prompt)
    }
}
