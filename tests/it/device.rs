//! Sign-ins on another device (RFC 8628): an address and a code, and an agent that asks until the person is done.

use crate::hostile::{Hostile, registers};
use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::world::{Run, World};
use serde_json::{Value, json};
use std::process::Command;
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, ResponseTemplate};

/// A sign-in with a code that waits for its person: address and code.
fn begin(world: &World, name: &str) -> (String, String) {
    let view = world.begin_sign_in_as(name, &json!({ "device": true })).unwrap();
    let text = |field: &str| view[field].as_str().unwrap_or_else(|| panic!("{view}")).to_owned();
    (text("authorization_url"), text("user_code"))
}

/// A person who types the code on another device.
fn person(address: &str, code: &str, answer: &str) {
    let mut person = Command::new(executable("keybearer-practice"));
    let typed = format!("{address}?user_code={code}");
    let output = person.args(["browse", &typed]).env("KEYBEARER_PRACTICE_ANSWER", answer).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn end(world: &World, name: &str) -> Value {
    until("the end", || {
        let view = world.sign_in_view(name)?;
        Ok(matches!(view["phase"].as_str(), Some("signed_in" | "failed")).then_some(view))
    })
    .unwrap()
}

#[test]
fn an_account_for_devices_signs_in_without_a_callback_and_renews_itself() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    // The browser's stand-in gets the address with the code in it.
    let added = world.ok(&["add", practice.mcp_url(), "--name", "s", "--auth", "device"]).unwrap();
    assert_eq!(added, "s is signed in (4 tools)");
    let token = world.ok(&["token", "s"]).unwrap();
    assert_ne!(world.ok(&["token", "s", "--force"]).unwrap(), token);
    let counted = ["registrations", "device_authorizations", "authorizations", "refreshes_ok"];
    assert_eq!(counted.map(|what| practice.count(what).unwrap()), [1, 1, 0, 1]);
    // The next one takes the client that worked, and leaves no code behind.
    world.ok(&["sign-in", "s"]).unwrap();
    assert_eq!(practice.count("registrations").unwrap(), 1);
    assert!(!world.log().contains("practice-dc-"), "a device code is as good as a token");
}

#[test]
fn the_agent_after_the_next_goes_on_asking_for_a_person_on_another_computer() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("s", practice.mcp_url()).unwrap();
    let waiting = world.spawn(&["sign-in", "s", "--device", "--no-browser", "--json"]).unwrap();
    let shown = until("the code", || {
        let view = world.sign_in_view("s")?;
        Ok((view["phase"] == "waiting_for_browser").then_some(view))
    })
    .unwrap();
    let text = |name: &str| shown[name].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned();
    let (address, code) = (text("authorization_url"), text("user_code"));
    assert!(address.ends_with("/device") && code.len() == 9, "{address} {code}");
    world.kill_agent().unwrap();
    let polls = practice.count("device_polls").unwrap();
    // The command that waits starts the next agent.
    until("another question", || Ok((practice.count("device_polls")? > polls).then_some(()))).unwrap();
    assert_eq!(world.sign_in_view("s").unwrap()["user_code"], code);
    person(&address, &code, "allow");
    let ended = Run::from(waiting.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{}", ended.err);
    let told: Value = serde_json::from_str(ended.out.lines().next().unwrap()).unwrap();
    assert_eq!(told, json!({ "authorization_url": address, "user_code": code }));
    assert_eq!(practice.count("device_authorizations").unwrap(), 1);
    // Nothing waits any more.
    assert!(world.run(&["sign-in", "s", "--cancel"]).unwrap().code != 0);
}

#[test]
fn a_server_that_is_asked_too_often_is_asked_more_rarely() {
    let practice = Practice::start(&["--fault", "device-slow-down"]).unwrap();
    let world = World::new().unwrap();
    world.add("s", practice.mcp_url()).unwrap();
    let (address, code) = begin(&world, "s");
    person(&address, &code, "allow");
    assert_eq!(end(&world, "s")["phase"], "signed_in");
    // The second question came late enough, or there would have been a third.
    assert_eq!(practice.count("device_polls").unwrap(), 2);
}

#[test]
fn a_person_who_says_no_or_nothing_ends_the_sign_in() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("s", practice.mcp_url()).unwrap();
    let (address, code) = begin(&world, "s");
    person(&address, &code, "deny");
    let denied = end(&world, "s");
    assert_eq!(denied["error"]["data"]["reason"], "authorization_refused", "{denied}");
    practice.control(&json!({ "faults": ["device-expired"] })).unwrap();
    begin(&world, "s");
    let over = end(&world, "s");
    assert_eq!(over["error"]["data"]["reason"], "lapsed", "{over}");
    assert!(over["user_code"].is_null() && over["authorization_url"].is_null(), "{over}");
    // What is over stays so for the next agent.
    world.ok(&["agent", "stop"]).unwrap();
    let polls = practice.count("device_polls").unwrap();
    assert_eq!(world.json(&["show", "s"]).unwrap()["status"], "needs_sign_in");
    assert_eq!((world.sign_in_view("s").unwrap()["phase"].as_str(), polls), (Some("none"), 2));
}

#[test]
fn a_server_without_codes_says_so_and_one_that_wants_a_redirect_address_gets_one() {
    let practice = Practice::start(&["--fault", "no-device", "--fault", "require-redirect"]).unwrap();
    let world = World::new().unwrap();
    world.add("s", practice.mcp_url()).unwrap();
    let view = world.begin_sign_in_as("s", &json!({ "device": true })).unwrap();
    assert_eq!(view["error"]["data"]["reason"], "device_not_offered", "{view}");
    assert_eq!(practice.count("registrations").unwrap(), 0);
    practice.control(&json!({ "faults": ["require-redirect"] })).unwrap();
    let (address, code) = begin(&world, "s");
    person(&address, &code, "allow");
    assert_eq!(end(&world, "s")["phase"], "signed_in");
}

#[test]
fn without_a_browser_the_terminal_names_the_code_as_another_way() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("s", practice.mcp_url()).unwrap();
    let hint = |world: &World| {
        let waiting = world.spawn(&["sign-in", "s", "--no-browser"]).unwrap();
        until("the address", || Ok(world.sign_in_view("s")?["authorization_url"].is_string().then_some(()))).unwrap();
        world.ok(&["sign-in", "s", "--cancel"]).unwrap();
        let told = Run::from(waiting.wait_with_output().unwrap()).err;
        assert!(told.contains("/authorize?"), "never another way than asked for: {told}");
        told.contains("--device")
    };
    assert!(hint(&world));
    practice.control(&json!({ "faults": ["no-device"] })).unwrap();
    assert!(!hint(&world));
    assert_eq!(practice.count("device_authorizations").unwrap(), 0);
}

/// A server whose authorization server gives each sign-in a device code of its own, and never tokens.
fn endless(hostile: &Hostile, place: &str) {
    let mut more = registers(hostile);
    more["device_authorization_endpoint"] = hostile.url("/device_authorization").into();
    let pending = ResponseTemplate::new(400).set_body_json(json!({ "error": "authorization_pending" }));
    hostile.answer(Mock::given(method("POST")).and(path("/token")).and(body_string_contains("device_code=")), pending);
    let issuer = hostile.authorization_server("", &more);
    hostile.resource(&issuer);
    hostile.refuse_all();
    for code in ["one", "two", "three", "four"] {
        let answer = json!({ "device_code": code, "user_code": "AB", "verification_url": place, "interval": "1" });
        let mock = Mock::given(method("POST")).and(path("/device_authorization"));
        let answer = mock.respond_with(ResponseTemplate::new(200).set_body_json(answer)).up_to_n_times(1);
        hostile.runtime.block_on(answer.mount(&hostile.server));
    }
}

#[test]
fn whoever_cancels_locks_or_removes_ends_the_questions() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    endless(&hostile, &hostile.url("/device"));
    let asked = |code: &str| {
        let needle = format!("device_code={code}");
        let all = hostile.requests("/token");
        all.iter().filter(|request| String::from_utf8_lossy(&request.body).contains(&needle)).count()
    };
    let is_asked = |code: &str| until(code, || Ok((asked(code) > 0).then_some(()))).unwrap();
    for name in ["a", "b", "c", "d"] {
        world.add(name, &hostile.url("/mcp")).unwrap();
    }
    begin(&world, "a");
    is_asked("one");
    world.ok(&["sign-in", "a", "--cancel"]).unwrap();
    begin(&world, "b");
    is_asked("two");
    world.ok(&["remove", "b"]).unwrap();
    begin(&world, "c");
    is_asked("three");
    world.ok(&["lock"]).unwrap();
    let before = ["one", "two", "three"].map(asked);
    world.ok(&["unlock"]).unwrap();
    begin(&world, "d");
    until("three more questions", || Ok((asked("four") > 3).then_some(()))).unwrap();
    let after = ["one", "two", "three"].map(asked);
    assert_eq!((after[0], after[1]), (before[0], before[1]));
    // The locked one goes on from what the keyring has of it.
    assert!(after[2] > before[2]);
}

#[test]
fn a_person_is_sent_to_no_address_that_could_be_anything() {
    for place in ["http://mcp.example/device", "javascript:alert(1)", "file:///etc/passwd"] {
        let (world, hostile) = (World::new().unwrap(), Hostile::start());
        endless(&hostile, place);
        world.add("s", &hostile.url("/mcp")).unwrap();
        let view = world.begin_sign_in_as("s", &json!({ "device": true })).unwrap();
        assert_eq!(view["error"]["data"]["reason"], "address_not_allowed", "{view}");
        assert!(view["authorization_url"].is_null(), "{view}");
    }
}
