//! What a program may do about its own answers: ask for one up front, see them, end them, and no others.

use keybearer_tests::executables::copy;
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::stand_in::StandIn;
use keybearer_tests::world::World;
use serde_json::{Value, json};

fn signed_in() -> (World, Practice) {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    (world, practice)
}

fn program(world: &World, name: &str) -> StandIn {
    let path = world.session.folder().join(name);
    copy(&world.keybearer().with_file_name("keybearer-desktop"), &path).unwrap();
    StandIn::start(&path, &world.programs_socket()).unwrap()
}

fn request(program: &mut StandIn, prompter: &mut Prompter, decision: &str) -> Value {
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| program.call("grant.request", &json!({ "profile": "practice" })).unwrap());
        prompter.answer(decision).unwrap();
        asking.join().unwrap()
    })
}

#[test]
fn a_launcher_asks_once_up_front_and_no_token_is_in_the_answer() {
    let (world, _practice) = signed_in();
    let mut launcher = {
        world.ok(&["status"]).unwrap();
        program(&world, "launcher")
    };
    // As long as nobody is asked there is nothing to remember.
    assert_eq!(launcher.ok("grant.request", &json!({ "profile": "practice" })).unwrap()["grant"], Value::Null);
    let mut prompter = Prompter::register(&world).unwrap();
    let granted = request(&mut launcher, &mut prompter, "while_running");
    assert_eq!(granted["result"]["grant"]["decision"], "while_running", "{granted}");
    assert_eq!(granted["result"]["scopes"], json!(["mcp:tools", "offline_access"]));
    // Now nobody need be there any more.
    drop(prompter);
    let token = launcher.ok("token.get", &json!({ "profile": "practice" })).unwrap();
    assert!(!granted.to_string().contains(token["access_token"].as_str().unwrap()));
}

#[test]
fn a_yes_for_once_waits_for_the_first_token_and_a_no_is_told() {
    let (world, _practice) = signed_in();
    let mut prompter = Prompter::register(&world).unwrap();
    let mut launcher = program(&world, "launcher");
    let granted = request(&mut launcher, &mut prompter, "once");
    assert_eq!(granted["result"]["grant"]["decision"], "once", "{granted}");
    let unasked = json!({ "profile": "practice", "interactive": false });
    assert!(launcher.call("token.get", &unasked).unwrap()["result"].is_object());
    assert_eq!(launcher.call("token.get", &unasked).unwrap()["error"]["code"], 1005);
    assert_eq!(request(&mut launcher, &mut prompter, "deny")["error"]["code"], 1004);
    // What can't be had is refused before anybody is asked.
    for (params, code) in
        [(json!({ "profile": "practice", "scopes": ["admin"] }), 1008), (json!({ "profile": "nobody" }), 1002)]
    {
        assert_eq!(launcher.call("grant.request", &params).unwrap()["error"]["code"], code, "{params}");
    }
    world.ok(&["sign-out", "practice"]).unwrap();
    assert_eq!(launcher.call("grant.request", &json!({ "profile": "practice" })).unwrap()["error"]["code"], 1006);
    assert!(prompter.prompts().unwrap().is_empty());
}

#[test]
fn a_program_sees_and_ends_its_own_answers_and_no_others() {
    let (world, _practice) = signed_in();
    let mut prompter = Prompter::register(&world).unwrap();
    let (mut mine, mut other) = (program(&world, "mine"), program(&world, "other"));
    request(&mut mine, &mut prompter, "while_running");
    request(&mut other, &mut prompter, "while_running");
    let listed = |program: &mut StandIn| program.ok("grant.list", &json!({})).unwrap()["grants"].clone();
    let own = listed(&mut mine);
    assert_eq!((own.as_array().unwrap().len(), &own[0]["program"]), (1, &json!("mine")), "{own}");
    let theirs = listed(&mut other)[0]["grant"].clone();
    // Of another's it can't even tell that it is there.
    let foreign = mine.call("grant.revoke", &json!({ "grant": theirs })).unwrap();
    assert_eq!(foreign, mine.call("grant.revoke", &json!({ "grant": "nonsense" })).unwrap());
    assert_eq!(foreign["error"]["code"], 1028);
    // Another process of the same file has answers of its own.
    let mut again = StandIn::start(&world.session.folder().join("mine"), &world.programs_socket()).unwrap();
    assert_eq!(listed(&mut again), json!([]));
    assert_eq!(again.call("grant.revoke", &json!({ "grant": own[0]["grant"] })).unwrap()["error"]["code"], 1028);
    // It has no way back: that is the person's.
    assert_eq!(mine.ok("grant.revoke", &json!({ "grant": own[0]["grant"] })).unwrap(), json!({ "undo": null }));
    assert_eq!(listed(&mut mine), json!([]));
    let unasked = json!({ "profile": "practice", "interactive": false });
    assert_eq!(mine.call("token.get", &unasked).unwrap()["error"]["code"], 1005);
    assert!(other.call("token.get", &unasked).unwrap()["result"].is_object());
}
