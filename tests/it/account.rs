//! What is shown of one account: its server's tools, how the server is spoken to, and who is signed in.

use crate::hostile::{Hostile, bring_code, registers};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, ResponseTemplate};

fn admin(world: &World, method: &str, profile: &str) -> Value {
    let asked = json!({ "method": method, "params": { "profile": profile } });
    world.json(&["rpc", "--admin", &asked.to_string()]).unwrap()
}

#[test]
fn a_person_sees_the_servers_own_tools_and_a_program_does_not() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let tools = admin(&world, "account.tools", "practice");
    let names: Vec<&str> = tools["tools"].as_array().unwrap().iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!((names, &tools["more"]), (vec!["add", "count", "echo", "whoami"], &json!(false)));
    let wrong_door = world.programs().unwrap().call("account.tools", &json!({ "profile": "practice" })).unwrap();
    assert_eq!(wrong_door["error"]["data"]["name"], "method_not_found", "{wrong_door}");
    // A list that is too long for one answer says so.
    let hostile = Hostile::start();
    let many: Vec<Value> =
        (0..2000).map(|number| json!({ "name": format!("tool-{number}"), "title": "A tool" })).collect();
    for (name, id, result) in
        [("initialize", 1, json!({ "protocolVersion": "2025-11-25" })), ("tools/list", 2, json!({ "tools": many }))]
    {
        let asked = Mock::given(method("POST")).and(path("/mcp")).and(body_partial_json(json!({ "method": name })));
        let answer = json!({ "jsonrpc": "2.0", "id": id, "result": result });
        hostile.answer(asked, ResponseTemplate::new(200).set_body_json(answer));
    }
    hostile.answer(Mock::given(method("POST")).and(path("/mcp")), ResponseTemplate::new(202));
    let add = ["add", &hostile.url("/mcp"), "--name", "long", "--auth", "bearer", "--secret-stdin"];
    assert_eq!(world.run_with(&add, "a-token").unwrap().code, 0);
    let tools = admin(&world, "account.tools", "long");
    let count = tools["tools"].as_array().unwrap().len();
    assert!(tools["more"] == true && count > 0 && count < 2000, "{count}");
}

#[test]
fn it_is_told_how_the_server_is_spoken_to_once_it_was() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    assert_eq!(admin(&world, "profile.show", "practice")["transport"], Value::Null);
    world.ok(&["sign-in", "practice"]).unwrap();
    assert_eq!(admin(&world, "profile.show", "practice")["transport"], "streamable_http");
}

#[test]
fn who_is_signed_in_is_what_the_authorization_server_says_and_goes_with_the_sign_in() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.serve_whoever_has_a_token();
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": hostile.url(""), "sub": "7", "aud": "c", "email": "ada@acme.example\u{202e}" });
    let id_token = format!("{}.{}.c2ln", part(&json!({ "alg": "RS256" })), part(&claims));
    let tokens = json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600, "id_token": id_token });
    hostile.answer(Mock::given(method("POST")).and(path("/token")), ResponseTemplate::new(200).set_body_json(tokens));
    let issuer = hostile.authorization_server("", &registers(&hostile));
    hostile.resource(&issuer);
    world.add("work", &hostile.url("/mcp")).unwrap();
    let view = world.begin_sign_in("work").unwrap();
    bring_code(&world, &view);
    let shown = until("the sign-in", || {
        let shown = admin(&world, "profile.show", "work");
        Ok((shown["status"] == "connected").then_some(shown))
    })
    .unwrap();
    let person = shown["signed_in_as"].as_str().unwrap();
    // What turns letters around is shown, and turns none around.
    assert!(person.starts_with("ada@acme.example") && !person.contains('\u{202e}'), "{person:?}");
    // No program needs to know it, and no token is in it.
    assert!(!shown.to_string().contains(&id_token), "{shown}");
    let listed = world.programs().unwrap().call("profile.list", &json!({})).unwrap();
    assert!(!listed.to_string().contains("ada@"), "{listed}");
    world.ok(&["sign-out", "work"]).unwrap();
    assert_eq!(admin(&world, "profile.show", "work")["signed_in_as"], Value::Null);
}
