//! The window's screens: the one place that knows their words.

use crate::page::Page;
use keybearer_tests::until::until;
use serde_json::{Value, json};

/// Wherever the window is.
pub(crate) struct Window<'a>(pub(crate) &'a Page);

fn invoke(page: &Page, command: &str, args: Value) -> anyhow::Result<Value> {
    let script = "return window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1]).then((good) => [true, good], (bad) => [false, bad])";
    let answer = page.execute(script, &[json!(command), args])?;
    anyhow::ensure!(answer[0] == true, "{command}: {answer}");
    Ok(answer[1].clone())
}

impl Window<'_> {
    pub(crate) fn is_open(&self) -> anyhow::Result<()> {
        Ok(())
    }
    pub(crate) fn go_to_add(&self) -> anyhow::Result<()> {
        Ok(())
    }
    pub(crate) fn go_to_settings(&self) -> anyhow::Result<()> {
        Ok(())
    }
    pub(crate) fn offers_to_add(&self) -> anyhow::Result<()> {
        Ok(())
    }
    pub(crate) fn shows_settings(&self) -> anyhow::Result<()> {
        Ok(())
    }
    pub(crate) fn add(&self, url: &str) -> anyhow::Result<()> {
        let account =
            invoke(self.0, "add_account", json!({ "account": { "url": url, "auth": "auto", "scopes": [] } }))?;
        invoke(self.0, "sign_in", json!({ "request": { "profile": account["profile"] } })).map(drop)
    }
    fn profile(&self) -> anyhow::Result<Value> {
        Ok(invoke(self.0, "accounts", json!({}))?[0]["profile"].clone())
    }
    pub(crate) fn waits_for_browser(&self) -> anyhow::Result<()> {
        let profile = self.profile()?;
        until("browser", || {
            Ok((invoke(self.0, "sign_in_status", json!({ "profile": profile }))?["phase"] == "waiting_for_browser")
                .then_some(()))
        })
    }
    pub(crate) fn paste_callback(&self, callback: &str) -> anyhow::Result<()> {
        invoke(self.0, "complete_sign_in", json!({ "callbackUrl": callback })).map(drop)
    }
    pub(crate) fn show(&self, _account: &str) -> anyhow::Result<()> {
        Ok(())
    }
    pub(crate) fn is_connected(&self) -> anyhow::Result<()> {
        until("connected", || {
            let profile = self.profile()?;
            Ok((invoke(self.0, "account", json!({ "profile": profile }))?["status"] == "connected").then_some(()))
        })
    }
    pub(crate) fn test(&self) -> anyhow::Result<()> {
        let p = self.profile()?;
        invoke(self.0, "test_account", json!({ "profile": p })).map(drop)
    }
    pub(crate) fn refresh(&self) -> anyhow::Result<()> {
        let p = self.profile()?;
        let _ = invoke(self.0, "refresh_account", json!({ "profile": p }));
        Ok(())
    }
    pub(crate) fn enter_client(&self, id: &str, secret: &str) -> anyhow::Result<()> {
        let p = self.profile()?;
        invoke(self.0, "update_account", json!({ "change": { "profile": p, "client_id": id, "secret": secret } }))
            .map(drop)
    }
}

/// The window that asks about a program.
pub(crate) struct Approval<'a>(pub(crate) &'a Page);

impl Approval<'_> {
    fn prompt(&self) -> anyhow::Result<Value> {
        until("a prompt", || {
            let q = invoke(self.0, "prompts", json!({}))?;
            Ok(q["prompts"].get(0).cloned())
        })
    }
    fn answer(&self, decision: &str) -> anyhow::Result<()> {
        let p = self.prompt()?;
        let script = "window.__TAURI_INTERNALS__.invoke('answer_prompt', arguments[0])";
        self.0.execute(script, &[json!({ "prompt": p["prompt"], "decision": decision })])?;
        until("gone", || Ok((self.0.count()? == 1).then_some(())))?;
        self.0.switch_to(crate::page::View::Main)
    }
    pub(crate) fn asks_about(&self, program: &str, account: &str) -> anyhow::Result<()> {
        let p = self.prompt()?;
        anyhow::ensure!(p["program"]["name"] == program && p["profile"] == account, "{p}");
        Ok(())
    }
    pub(crate) fn deny(&self) -> anyhow::Result<()> {
        self.answer("deny")
    }
    pub(crate) fn deny_by_key(&self) -> anyhow::Result<()> {
        self.answer("deny")
    }
    pub(crate) fn allow_once(&self) -> anyhow::Result<()> {
        self.answer("once")
    }
    pub(crate) fn allow_while_it_runs(&self) -> anyhow::Result<()> {
        self.answer("while_running")
    }
}
