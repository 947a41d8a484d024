//! What a person hands to whoever helps: all that helps, and nothing secret, whatever a log may hold.

use keybearer_tests::practice::Practice;
use keybearer_tests::world::World;
use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

/// What every token and code of this practice server begins with.
const CANARY: &str = "canary7f3a";

fn files(world: &World, more: &[&str]) -> Vec<(String, String)> {
    let listed = world.json(&[&["diagnostics"], more].concat()).unwrap();
    let text = |file: &Value, name: &str| file[name].as_str().unwrap().to_owned();
    listed.as_array().unwrap().iter().map(|file| (text(file, "name"), text(file, "content"))).collect()
}

fn content<'a>(files: &'a [(String, String)], name: &str) -> &'a str {
    let found = files.iter().find(|(found, _)| found == name);
    found.map(|(_, content)| content.as_str()).unwrap_or_else(|| panic!("{name} is not in {files:?}"))
}

#[test]
fn it_tells_how_everything_is_and_no_secret_that_a_log_was_made_to_hold() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--plant-token", CANARY]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    let secret = "planted-s3cret-7f3a-of-a-client";
    let add = ["add", practice.mcp_url(), "--name", "fixed", "--auth", "bearer", "--secret-stdin", "--no-sign-in"];
    assert_eq!(world.run_with(&add, secret).unwrap().code, 0);
    let pending = world.begin_sign_in("practice").unwrap();
    let url = pending["authorization_url"].as_str().unwrap();
    // As a library would that is told to say everything.
    let mut log = OpenOptions::new().append(true).open(world.home.join("state/agent.log")).unwrap();
    for line in [
        format!("TRACE h2: Authorization: Bearer {token}"),
        format!("TRACE h2: {{\"access_token\":\"{token}\",\"client_secret\":\"{secret}\"}}"),
        format!("DEBUG hyper: GET {url}"),
        format!("DEBUG hyper: GET app.keybearer:/oauth/callback?code={CANARY}&state=x"),
        format!("DEBUG hyper: code={CANARY} code_verifier=short"),
        format!("DEBUG hyper: POST http://ada:{secret}@127.0.0.1/"),
    ] {
        writeln!(log, "{line}").unwrap();
    }
    let all = files(&world, &[]);
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["about.txt", "doctor.txt", "status.json", "settings.json", "accounts.json", "activity.txt", "log.txt"]
    {
        assert!(names.contains(&name), "{names:?}");
    }
    let text = world.ok(&["diagnostics"]).unwrap();
    let state = url.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let challenge = url.split("code_challenge=").nth(1).unwrap().split('&').next().unwrap();
    for planted in [CANARY, secret, &token, state, challenge, "verifier=short", "7f3a"] {
        assert!(!text.contains(planted), "{planted} is in {text}");
        assert!(!world.json(&["diagnostics"]).unwrap().to_string().contains(planted), "{planted}");
    }
    assert!(text.contains("==> log.txt <==") && text.contains("Authorization: [removed] [removed]"), "{text}");
    // All that helps is there.
    let status: Value = serde_json::from_str(content(&all, "status.json")).unwrap();
    assert_eq!((&status["accounts"], &status["vault"]), (&2.into(), &"unlocked".into()));
    let settings: Value = serde_json::from_str(content(&all, "settings.json")).unwrap();
    assert_eq!(settings["log_detail"], "normal");
    let accounts: Value = serde_json::from_str(content(&all, "accounts.json")).unwrap();
    assert_eq!((&accounts[1]["name"], &accounts[1]["status"]), (&"practice".into(), &"signing_in".into()));
    assert!(content(&all, "activity.txt").contains("1  token_given"), "{}", content(&all, "activity.txt"));
    assert!(content(&all, "doctor.txt").contains("keyring"), "{}", content(&all, "doctor.txt"));
    assert!(content(&all, "log.txt").contains("ready"), "{}", content(&all, "log.txt"));
}

#[test]
fn the_names_of_accounts_and_servers_stay_out_of_it_if_the_person_wants() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("acme-payroll", practice.mcp_url()).unwrap();
    let host = practice.mcp_url().strip_prefix("http://").unwrap().split('/').next().unwrap();
    let named = world.ok(&["diagnostics"]).unwrap();
    assert!(named.contains("acme-payroll") && named.contains(host), "{named}");
    let unnamed = world.ok(&["diagnostics", "--without-names"]).unwrap();
    assert!(!unnamed.contains("acme-payroll") && !unnamed.contains(host), "{unnamed}");
    assert!(unnamed.contains("\"account-1\"") && unnamed.contains("server-1"), "{unnamed}");
    // Also where no agent tells what there is, and none is started for it.
    world.ok(&["agent", "stop"]).unwrap();
    let unnamed = world.ok(&["diagnostics", "--without-names"]).unwrap();
    assert!(unnamed.contains("\"account-1\"") && !unnamed.contains("acme-payroll"), "{unnamed}");
    assert_ne!(world.run(&["agent", "status"]).unwrap().code, 0, "an agent was started");
}

#[test]
fn it_is_written_for_its_user_alone_and_over_nothing() {
    let world = World::new().unwrap();
    let file = world.session.folder().join("bundle.txt");
    world.ok(&["diagnostics", file.to_str().unwrap()]).unwrap();
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.starts_with("==> about.txt <=="), "{written}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(world.run(&["diagnostics", file.to_str().unwrap()]).unwrap().code, 64);
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
}
