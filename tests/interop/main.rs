//! Servers that nobody here wrote: oidc-provider under the official SDK's MCP server, and that SDK's own demo.
//!
//! They need the npm packages of this folder: `cargo xtask interop` installs them.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(target_os = "linux")]

use keybearer_tests::loopback;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A foreign server, which ends when its standard input does.
struct Foreign {
    child: Child,
    ready: Value,
}

impl Foreign {
    fn start(script: &str) -> Foreign {
        let mut command = Command::new("node");
        command.arg(folder().join(script)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("node is installed");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{script} said {line:?}; try `npm ci`"));
        Foreign { child, ready }
    }

    fn address(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    fn count(&self, what: &str) -> u64 {
        let answer = loopback::request("GET", self.address("stats"), None).unwrap();
        let stats: Value = serde_json::from_str(&answer.body).unwrap();
        stats[what].as_u64().unwrap()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop")
}

/// A Keybearer whose browser fills in foreign login and consent pages.
fn world() -> World {
    let mut world = World::new().unwrap();
    world.browser = format!("node '{}'", folder().join("browser.mjs").display());
    world
}

#[test]
fn oidc_provider_signs_in_renews_silently_and_revokes() {
    let (world, server) = (world(), Foreign::start("oidc-provider.mjs"));
    world.sign_in("oidc", server.address("mcp_url")).unwrap();
    let first = world.json(&["token", "oidc"]).unwrap();
    assert_eq!(world.json(&["test", "oidc"]).unwrap()["tools"], 2);
    assert_eq!(server.count("refreshes"), 0);
    // Its tokens are good for 20 seconds: in their second half they are renewed, and nobody is asked.
    let second = until("a renewed token", || {
        let token = world.json(&["token", "oidc"])?;
        Ok((token["access_token"] != first["access_token"]).then_some(token))
    })
    .unwrap();
    assert!(second["generation"].as_u64() > first["generation"].as_u64());
    // The first one has to end before the second proves anything.
    until("the end of the first token", || Ok((server_refuses(&server, &first)).then_some(()))).unwrap();
    assert_eq!(world.json(&["test", "oidc"]).unwrap()["ok"], true);
    assert!(server.count("refreshes") >= 1);
    let rejected_before = server.count("rejected");
    assert_eq!(world.ok(&["sign-out", "oidc"]).unwrap(), "oidc is signed out; its tokens were revoked");
    assert!(server.count("revocations") >= 1);
    assert!(server_refuses(&server, &second));
    assert_eq!(world.run(&["token", "oidc"]).unwrap().code, 15);
    assert_eq!(server.count("rejected"), rejected_before + 1);
}

fn server_refuses(server: &Foreign, token: &Value) -> bool {
    let hello = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
    let authorization = token["access_token"].as_str().unwrap();
    let head = format!("Authorization: Bearer {authorization}\r\nAccept: application/json, text/event-stream");
    loopback::request_with("POST", server.address("mcp_url"), &head, Some(hello)).unwrap().status == 401
}

#[test]
fn the_typescript_sdks_demo_server_signs_in_and_lists_its_tools() {
    let (world, server) = (world(), Foreign::start("sdk-demo.mjs"));
    world.sign_in("demo", server.address("mcp_url")).unwrap();
    let test = world.json(&["test", "demo"]).unwrap();
    assert!(test["tools"].as_u64().unwrap() > 0, "{test}");
    // It gives no refresh token, and says so nowhere: the account will need its user again.
    let shown = world.json(&["show", "demo"]).unwrap();
    assert_eq!((&shown["status"], &shown["renewable"]), (&"connected".into(), &false.into()));
    // It knows no revocation either: the tokens are deleted here all the same.
    let out = world.ok(&["sign-out", "demo"]).unwrap();
    assert!(out.contains("offers no revocation"), "{out}");
}
