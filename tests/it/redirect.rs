//! The way back from the browser: the deep link where a desktop answers it, a loopback port where not, learned for
//! each authorization server.

use crate::hostile::{Hostile, parameter};
use keybearer_tests::loopback;
use keybearer_tests::practice::{Practice, callback_of};
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::net::TcpListener;

/// A world on whose session a Keybearer desktop answers the scheme, as after its installation.
fn with_desktop() -> World {
    let world = World::new().unwrap();
    world.session.hand_links_to("true %u").unwrap();
    world
}

fn start(world: &World, wish: Value) -> Value {
    world.begin_sign_in_as("practice", &wish).unwrap()
}

fn answer(view: &Value) -> String {
    callback_of(view["authorization_url"].as_str().unwrap_or_else(|| panic!("{view}"))).unwrap()
}

fn status(world: &World) -> Value {
    world.json(&["show", "practice"]).unwrap()
}

#[test]
fn where_a_desktop_answers_the_scheme_the_answer_comes_by_deep_link_also_to_the_next_agent() {
    let (world, practice) = (with_desktop(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let view = start(&world, json!({}));
    assert_eq!(view["callback"], "deep_link", "{view}");
    let callback = answer(&view);
    assert!(callback.starts_with("app.keybearer:/oauth/callback?"), "the answer goes elsewhere");
    world.kill_agent().unwrap();
    world.ok(&["callback", &callback]).unwrap();
    assert_eq!(
        (status(&world)["status"].as_str(), status(&world)["callback"].as_str()),
        (Some("connected"), Some("deep_link"))
    );
    // Used once, by whoever comes first.
    assert_eq!(world.run(&["callback", &callback]).unwrap().code, 21);
}

#[test]
fn without_a_desktop_the_answer_comes_to_a_port() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    assert_eq!(start(&world, json!({}))["callback"], "loopback");
}

#[test]
fn a_server_that_refuses_the_scheme_falls_back_by_itself_and_is_not_asked_again() {
    let (world, practice) = (with_desktop(), Practice::start(&["--fault", "refuse-private-use-scheme"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    assert_eq!(status(&world)["callback"], "loopback");
    // A second account of the same authorization server, and another agent: now the server would take the scheme, but
    // it isn't asked any more.
    practice.control(&json!({ "faults": [] })).unwrap();
    world.ok(&["agent", "stop"]).unwrap();
    world.sign_in("again", practice.mcp_url()).unwrap();
    assert_eq!(world.json(&["show", "again"]).unwrap()["callback"], "loopback");
}

#[test]
fn a_waiting_sign_in_goes_another_way_on_request_which_is_learned_once_it_has_worked() {
    let (world, practice) = (with_desktop(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let first = start(&world, json!({}));
    let second = start(&world, json!({ "callback": "loopback" }));
    assert_eq!(second["callback"], "loopback", "{second}");
    // The answer to the request that was given up opens nothing.
    assert_eq!(world.run(&["callback", &answer(&first)]).unwrap().code, 21);
    // The same wish again joins the sign-in that waits already.
    assert_eq!(start(&world, json!({ "callback": "loopback" }))["authorization_url"], second["authorization_url"]);
    world.ok(&["callback", &answer(&second)]).unwrap();
    world.ok(&["sign-out", "practice"]).unwrap();
    assert_eq!(start(&world, json!({}))["callback"], "loopback");
}

#[test]
fn registering_again_gives_up_the_client_that_was_there() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let before = status(&world)["client_id"].clone();
    let view = start(&world, json!({ "register_again": true }));
    world.ok(&["callback", &answer(&view)]).unwrap();
    assert_ne!(status(&world)["client_id"], before);
    assert_eq!(practice.count("registrations").unwrap(), 2);
}

#[test]
fn a_client_that_was_registered_with_an_address_of_its_own_comes_back_there_and_nowhere_else() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.serve_whoever_has_a_token();
    let issuer = hostile.authorization_server("", &json!({}));
    hostile.resource(&issuer);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (own, url) = (format!("http://localhost:{port}/slack/callback"), hostile.url("/mcp"));
    let client = ["--client-id", "app", "--redirect-uri"];
    for elsewhere in ["https://example.com/callback", "http://192.168.1.2:8080/", "http://localhost/", "app.other:/x"] {
        let refused = world.run(&[&["add", &url, "--name", "s"], &client[..], &[elsewhere]].concat()).unwrap();
        assert_eq!(refused.code, 64, "{elsewhere}: {refused:?}");
    }
    world.ok(&[&["add", &url, "--name", "s", "--no-sign-in"], &client[..], &[&own]].concat()).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(
        parameter(&view, "redirect_uri").unwrap(),
        format!("http%3A%2F%2Flocalhost%3A{port}%2Fslack%2Fcallback")
    );
    let get = |address: String| loopback::request("GET", &address, None).unwrap().status;
    let answer = format!("?code=x&state={}", parameter(&view, "state").unwrap());
    assert_eq!(get(format!("http://localhost:{port}/callback{answer}")), 404);
    assert_eq!(get(format!("http://127.0.0.1:{port}/slack/callback{answer}")), 404);
    assert_eq!(get(format!("{own}{answer}")), 200);
    assert_eq!(world.json(&["show", "s"]).unwrap()["status"], "connected");
    let exchanged = String::from_utf8(hostile.requests("/token")[0].body.clone()).unwrap();
    assert!(
        exchanged.contains(&format!("redirect_uri=http%3A%2F%2Flocalhost%3A{port}%2Fslack%2Fcallback")),
        "{exchanged}"
    );
    // And it is closed again.
    assert!(loopback::request("GET", &own, None).is_err());
}
