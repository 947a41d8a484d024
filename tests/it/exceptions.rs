//! What a person accepts of one authorization server although the rules refuse it.

use crate::hostile::{Hostile, bring_code, parameter, registers};
use keybearer_tests::prompter::Prompter;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use wiremock::ResponseTemplate;

const METADATA: &str = "/.well-known/oauth-authorization-server";

/// A server whose authorization server gives these metadata instead of good ones.
pub(crate) fn server(more: &Value) -> Hostile {
    let hostile = Hostile::start();
    hostile.serve_whoever_has_a_token();
    let mut all = registers(&hostile);
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let issuer = hostile.authorization_server("", &all);
    hostile.resource(&issuer);
    hostile
}

fn silent_about_pkce() -> Hostile {
    server(&json!({ "code_challenge_methods_supported": [] }))
}

fn reason(view: &Value) -> &str {
    view["error"]["data"]["reason"].as_str().unwrap_or_default()
}

#[test]
fn a_server_that_is_silent_about_pkce_is_signed_in_to_with_it_once_a_person_accepts_that() {
    let (world, hostile) = (World::new().unwrap(), silent_about_pkce());
    world.add("s", &hostile.url("/mcp")).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(reason(&view), "pkce_unsupported", "{view}");
    let way_out = view["error"]["data"]["action"].as_str().unwrap();
    assert!(way_out.contains("keybearer change s --accept pkce-not-advertised"), "{way_out}");
    world.ok(&["change", "s", "--accept", "pkce-not-advertised"]).unwrap();
    // Kept in the keyring for good, and in no file.
    world.kill_agent().unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(parameter(&view, "code_challenge_method").as_deref(), Some("S256"), "{view}");
    assert!(parameter(&view, "code_challenge").is_some());
    bring_code(&world, &view);
    assert!(String::from_utf8_lossy(&hostile.requests("/token")[0].body).contains("code_verifier="));
    assert!(!fs::read_to_string(world.servers_file()).unwrap().contains("pkce"));
    assert_eq!(world.json(&["show", "s"]).unwrap()["exceptions"], json!(["pkce_not_advertised"]));
    // One account's exception is nobody else's, and it can be taken back.
    world.add("other", &hostile.url("/mcp")).unwrap();
    assert_eq!(reason(&world.begin_sign_in("other").unwrap()), "pkce_unsupported");
    world.ok(&["change", "s", "--accept-nothing"]).unwrap();
    assert_eq!(reason(&world.begin_sign_in("s").unwrap()), "pkce_unsupported");
}

#[test]
fn an_exception_is_for_one_authorization_server_and_not_for_plain_pkce() {
    let (world, hostile) = (World::new().unwrap(), silent_about_pkce());
    world.add("s", &hostile.url("/mcp")).unwrap();
    world.begin_sign_in("s").unwrap();
    world.ok(&["change", "s", "--accept", "pkce-not-advertised"]).unwrap();
    // The server now names another one, which is silent as well.
    let mut more = registers(&hostile);
    more["code_challenge_methods_supported"] = json!([]);
    let second = hostile.authorization_server("/two", &more);
    let moved = json!({ "resource": hostile.server.uri(), "authorization_servers": [second] });
    hostile.first("/.well-known/oauth-protected-resource", ResponseTemplate::new(200).set_body_json(moved));
    assert_eq!(reason(&world.begin_sign_in("s").unwrap()), "pkce_unsupported");
    // Given before any was known, it is for the first that a sign-in finds.
    let early = ["add", &hostile.url("/mcp"), "--name", "early", "--no-sign-in", "--accept", "pkce-not-advertised"];
    world.ok(&early).unwrap();
    assert_eq!(world.begin_sign_in("early").unwrap()["phase"], "waiting_for_browser");
    world.ok(&["sign-in", "early", "--cancel"]).unwrap();
    let back = json!({ "resource": hostile.server.uri(), "authorization_servers": [hostile.url("")] });
    hostile.runtime.block_on(hostile.server.reset());
    hostile.refuse_all();
    hostile.json("/.well-known/oauth-protected-resource", &back);
    hostile.authorization_server("", &json!({ "code_challenge_methods_supported": [] }));
    assert_eq!(reason(&world.begin_sign_in("early").unwrap()), "pkce_unsupported");
    // Whoever offers other methods is not silent.
    let plain = server(&json!({ "code_challenge_methods_supported": ["plain"] }));
    let add = ["add", &plain.url("/mcp"), "--name", "plain", "--no-sign-in", "--accept", "pkce-not-advertised"];
    world.ok(&add).unwrap();
    assert_eq!(reason(&world.begin_sign_in("plain").unwrap()), "pkce_unsupported");
}

#[test]
fn one_slash_at_the_end_of_an_issuer_can_be_accepted_and_nothing_more() {
    let hostile = Hostile::start();
    hostile.serve_whoever_has_a_token();
    let mut more = registers(&hostile);
    more["issuer"] = hostile.url("/").into();
    more["authorization_response_iss_parameter_supported"] = true.into();
    hostile.authorization_server("", &more);
    hostile.resource(&hostile.url(""));
    let world = World::new().unwrap();
    world.add("s", &hostile.url("/mcp")).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(reason(&view), "metadata_issuer_mismatch", "{view}");
    assert!(view["error"]["data"]["action"].as_str().unwrap().contains("--accept issuer-slash"), "{view}");
    world.ok(&["change", "s", "--accept", "issuer-slash"]).unwrap();
    let answer = |iss: &str| {
        let view = world.begin_sign_in("s").unwrap();
        let redirect = parameter(&view, "redirect_uri").unwrap().replace("%3A", ":").replace("%2F", "/");
        format!("{redirect}?code=x&state={}&iss={iss}", parameter(&view, "state").unwrap())
    };
    // The answer is compared with the name in the document, and as strictly as ever.
    let refused = world.run(&["callback", &answer(&hostile.url(""))]).unwrap();
    assert!(refused.code == 21 && refused.err.contains("another authorization server"), "{refused:?}");
    assert!(hostile.requests("/token").is_empty());
    world.ok(&["callback", &answer(&hostile.url("/"))]).unwrap();
    assert_eq!(world.json(&["show", "s"]).unwrap()["issuer"], hostile.url("/"));
    // A token that the server refuses makes the agent look where the server has moved: it hasn't.
    let mut program = world.programs().unwrap();
    let generation = world.json(&["show", "s"]).unwrap()["generation"].clone();
    let refusal = json!({ "profile": "s", "generation": generation, "reason": "401" });
    program.call("token.invalidate", &refusal).unwrap();
    let asked = program.call("token.get", &json!({ "profile": "s" })).unwrap();
    assert!(!asked["error"]["message"].as_str().unwrap_or_default().contains("now names"), "{asked}");
    // Two slashes, another path or another case are other names.
    for other in ["//", "/x", "/x/"] {
        let document = json!({
            "issuer": hostile.url(other), "authorization_endpoint": hostile.url("/authorize"),
            "token_endpoint": hostile.url("/token"), "code_challenge_methods_supported": ["S256"],
        });
        hostile.runtime.block_on(hostile.server.reset());
        hostile.refuse_all();
        hostile.resource(&hostile.url(""));
        hostile.json(METADATA, &document);
        let view = world.begin_sign_in("s").unwrap();
        assert_eq!(reason(&view), "metadata_issuer_mismatch", "{other}: {view}");
        assert_eq!(view["error"]["data"].get("action"), None, "{other}: {view}");
    }
}

#[test]
fn once_a_desktop_has_registered_only_its_connection_gives_an_exception() {
    let (world, hostile) = (World::with_desktop().unwrap(), silent_about_pkce());
    let url = hostile.url("/mcp");
    world.add("s", &url).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    world.begin_sign_in("s").unwrap();
    let change = ["change", "s", "--accept", "pkce-not-advertised"];
    let refused = world.run(&change).unwrap();
    assert_eq!(refused.code, 34, "{refused:?}");
    let added = world.run(&["add", &url, "--name", "t", "--no-sign-in", "--accept", "issuer-slash"]).unwrap();
    assert_eq!(added.code, 34, "{added:?}");
    assert_eq!(world.json(&["list"]).unwrap().as_array().unwrap().len(), 1);
    assert_eq!(reason(&world.begin_sign_in("s").unwrap()), "pkce_unsupported");
    let given = json!({ "profile": "s", "exceptions": ["pkce_not_advertised"] });
    prompter.0.ok("profile.update", &given).unwrap();
    assert_eq!(world.begin_sign_in("s").unwrap()["phase"], "waiting_for_browser");
    // What is accepted already is nothing new, and less is never a risk; for another authorization server it is new.
    world.ok(&change).unwrap();
    let elsewhere = [&change[..], &["--issuer", "https://as.example"]].concat();
    assert_eq!(world.run(&elsewhere).unwrap().code, 34);
    world.ok(&["change", "s", "--accept-nothing"]).unwrap();
    assert_eq!(world.run(&change).unwrap().code, 34);
    // The desktop's end changes nothing about that.
    drop(prompter);
    assert_eq!(world.run(&change).unwrap().code, 34);
}
