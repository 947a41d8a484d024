//! The Keybearer that is tried: the released agent in a session of its own, asked on its sockets.

use crate::mcp::{Answer, header};
use anyhow::{Context, bail, ensure};
use keybearer_tests::loopback;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::env;

/// The address of a client metadata document that the suite's authorization servers take.
const METADATA_DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";

/// Ours: how the browser is to come back, `deep_link` or `loopback`.
const CALLBACK: &str = "KEYBEARER_CONFORMANCE_CALLBACK";

/// The account's name.
const ACCOUNT: &str = "suite";

/// An agent with one account.
pub(crate) struct Keybearer {
    callback: String,
    programs: Wire,
    admin: Wire,
    /// Ends the agent with it.
    _world: World,
}

/// The headers of one request, and the number of the token in them.
pub(crate) struct Headers {
    /// As they are sent.
    pub(crate) lines: Vec<String>,
    generation: Value,
}

impl Keybearer {
    /// Starts an agent, with an account for the server at `url` and whatever the user would bring along.
    pub(crate) fn start(url: &str, context: &Value, auth: &str) -> anyhow::Result<Keybearer> {
        let world = World::new()?;
        let mut agent = world.command(&["agent", "start"]);
        let started = agent.env("KEYBEARER_CLIENT_METADATA_URL", METADATA_DOCUMENT).output()?;
        ensure!(started.status.success(), "the agent: {}", String::from_utf8_lossy(&started.stderr));
        let callback = env::var(CALLBACK).unwrap_or_else(|_| "deep_link".to_owned());
        let (programs, admin) = (Wire::open(&world.programs_socket())?, Wire::open(&world.admin_socket())?);
        let mut keybearer = Keybearer { callback, programs, admin, _world: world };
        let secrets = [&context["client_secret"], &context["private_key_pem"], &context["valid_jwt"]];
        let secret = secrets.into_iter().find(|secret| secret.is_string());
        let identity_provider = context["idp_issuer"].is_string().then(|| {
            json!({
                "issuer": context["idp_issuer"], "client_id": context["idp_client_id"],
                "token_endpoint": context["idp_token_endpoint"],
            })
        });
        let account = json!({
            "url": url, "name": ACCOUNT, "auth": auth, "client_id": context["client_id"], "secret": secret,
            "issuer": context["issuer"], "identity_provider": identity_provider,
            "subject_token": context["idp_id_token"],
        });
        ok(&keybearer.admin.call("profile.add", &account)?)?;
        Ok(keybearer)
    }

    /// What a POST to this address needs that wants these scopes, and a nonce, if it wants one. Where only a sign-in
    /// helps, the person signs in.
    pub(crate) fn headers(&mut self, url: &str, scopes: &[Value], nonce: Option<&str>) -> anyhow::Result<Headers> {
        let question = json!({ "profile": ACCOUNT, "url": url, "method": "POST", "scopes": scopes, "nonce": nonce });
        let mut answer = self.programs.call("header.get", &question)?;
        if needs_sign_in(&answer) {
            self.sign_in()?;
            answer = self.programs.call("header.get", &question)?;
        }
        let reply = ok(&answer)?;
        let headers = reply["headers"].as_object().context("headers")?;
        let line = |(name, value): (&String, &Value)| Some(format!("{name}: {}", value.as_str()?));
        Ok(Headers { lines: headers.iter().filter_map(line).collect(), generation: reply["generation"].clone() })
    }

    /// Says that the server refused a token, and how. Gives the scopes that it wants, where it said so.
    pub(crate) fn report(&mut self, headers: &Headers, refusal: &Answer) -> anyhow::Result<Vec<Value>> {
        let reason = if refusal.status == 401 { "401" } else { "insufficient_scope" };
        let report = json!({
            "profile": ACCOUNT, "generation": headers.generation, "reason": reason,
            "www_authenticate": refusal.challenge,
        });
        let reply = ok(&self.programs.call("token.invalidate", &report)?)?;
        Ok(reply["scopes"].as_array().cloned().unwrap_or_default())
    }

    /// What a person does who is asked to sign in: starts it, lets the browser go where it is sent, and has its answer
    /// come back.
    fn sign_in(&mut self) -> anyhow::Result<()> {
        let start = json!({ "profile": ACCOUNT, "no_open": true, "callback": self.callback });
        let mut view = ok(&self.admin.call("auth.start", &start)?)?;
        // A client that signs in for itself needs no browser.
        while matches!(view["phase"].as_str(), Some("preparing" | "finishing")) {
            let follow = json!({ "profile": ACCOUNT, "seen": view["revision"], "wait_ms": 10_000 });
            view = ok(&self.admin.call("auth.status", &follow)?)?;
        }
        if view["phase"] == "signed_in" {
            return Ok(());
        }
        let Some(address) = view["authorization_url"].as_str() else { bail!("the sign-in ended: {view}") };
        let sent = loopback::request("GET", address, None)?;
        let back =
            header(&sent, "location").with_context(|| format!("the browser stayed: {} {}", sent.status, sent.body))?;
        let answer = self.admin.call("auth.complete", &json!({ "url": back }))?;
        // The sign-in has worked, and its token may not reach far enough: the next request will tell.
        if answer["error"]["data"]["name"] == "scope_unavailable" {
            return Ok(());
        }
        ok(&answer).map(drop)
    }
}

/// Whether it is the user's turn, and something can come of it.
fn needs_sign_in(answer: &Value) -> bool {
    let data = &answer["error"]["data"];
    data["name"] == "auth_required" || data["reason"] == "more_access_needed"
}

fn ok(answer: &Value) -> anyhow::Result<Value> {
    ensure!(answer.get("error").is_none(), "Keybearer said: {}", answer["error"]);
    Ok(answer["result"].clone())
}
