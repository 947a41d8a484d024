//! Settings: each is in force at once, and what guards less comes from the desktop that asks people.

use keybearer_tests::executables::copy;
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::stand_in::StandIn;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

fn signed_in() -> (World, Practice) {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    (world, practice)
}

fn admin(world: &World, method: &str, params: &Value) -> Value {
    world.json(&["rpc", "--admin", &json!({ "method": method, "params": params }).to_string()]).unwrap()
}

/// The exit code of a request that is refused.
fn refused(world: &World, method: &str, params: &Value) -> i32 {
    world.run(&["rpc", "--admin", &json!({ "method": method, "params": params }).to_string()]).unwrap().code
}

/// A program of its own.
fn program(world: &World) -> StandIn {
    let path = world.session.folder().join("asker");
    if !path.exists() {
        copy(&world.keybearer().with_file_name("keybearer-desktop"), &path).unwrap();
    }
    StandIn::start(&path, &world.programs_socket()).unwrap()
}

/// The stable name of what comes of asking for a token.
fn asked(program: &mut StandIn, profile: &str, interactive: bool) -> String {
    let params = json!({ "profile": profile, "interactive": interactive });
    let answer = program.call("token.get", &params).unwrap();
    answer["error"]["data"]["name"].as_str().unwrap_or("given").to_owned()
}

#[test]
fn no_answer_means_no_after_the_time_that_was_chosen() {
    let (world, _practice) = signed_in();
    let mut prompter = Prompter::register(&world).unwrap();
    assert_eq!(admin(&world, "settings.get", &json!({}))["answer_within_secs"], 60);
    for wrong in [0, 9, 121] {
        assert_eq!(refused(&world, "settings.set", &json!({ "answer_within_secs": wrong })), 64, "{wrong}");
    }
    admin(&world, "settings.set", &json!({ "answer_within_secs": 10 }));
    let mut program = program(&world);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| asked(&mut program, "practice", true));
        prompter.prompt().unwrap();
        assert_eq!(asking.join().unwrap(), "consent_denied");
    });
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(9) && took < Duration::from_secs(30), "{took:?}");
    // Also for the next agent.
    drop(prompter);
    world.kill_agent().unwrap();
    assert_eq!(admin(&world, "settings.get", &json!({}))["answer_within_secs"], 10);
}

/// A script that asks for a token. Another command follows, so that the shell stays what it is.
fn script(world: &World, asking: &str) -> Child {
    let mut command = world.program("sh");
    command.arg(world.session.folder().join("asks.sh"));
    command.env("KEYBEARER", world.keybearer()).env("ASKING", asking);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn unasked(world: &World) -> (i32, String) {
    let output = script(world, "--no-prompt").wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_program_whose_file_changed_is_asked_about_again_or_gets_nothing_as_a_person_chose() {
    const SCRIPT: &str = "\"$KEYBEARER\" token practice $ASKING\nexit $?\n";
    let (world, _practice) = signed_in();
    let mut prompter = Prompter::register(&world).unwrap();
    world.session.write("asks.sh", SCRIPT).unwrap();
    let asking = script(&world, "");
    prompter.answer("always").unwrap();
    assert!(asking.wait_with_output().unwrap().status.success());
    admin(&world, "settings.set", &json!({ "changed_programs": "deny" }));
    assert_eq!(unasked(&world).0, 0);
    world.session.write("asks.sh", &format!("# newer\n{SCRIPT}")).unwrap();
    let denied = script(&world, "").wait_with_output().unwrap();
    let said = String::from_utf8(denied.stderr).unwrap();
    assert_eq!(denied.status.code(), Some(13), "{said}");
    assert!(said.contains("has changed since") && said.contains("keybearer grants"), "{said}");
    assert!(prompter.prompts().unwrap().is_empty());
    // To ask again is less: a program can't choose it.
    assert_eq!(refused(&world, "settings.set", &json!({ "changed_programs": "ask" })), 34);
    prompter.0.ok("settings.set", &json!({ "changed_programs": "ask" })).unwrap();
    let asking = script(&world, "");
    assert_eq!(prompter.answer("once").unwrap()["always_off"], "changed");
    assert!(asking.wait_with_output().unwrap().status.success());
    // Taking the old answer back has it asked about like any other.
    prompter.0.ok("settings.set", &json!({ "changed_programs": "deny" })).unwrap();
    let grants = admin(&world, "grant.list", &json!({}));
    let always = grants["grants"].as_array().unwrap().iter().find(|grant| grant["decision"] == "always").unwrap();
    admin(&world, "grant.revoke", &json!({ "grant": always["grant"] }));
    assert_eq!(unasked(&world).0, 14);
    let rows = admin(&world, "activity.list", &json!({ "filter": { "kinds": ["protection_changed"] } }));
    let causes: Vec<&str> = rows["rows"].as_array().unwrap().iter().filter_map(|row| row["cause"].as_str()).collect();
    assert!(causes.contains(&"changed_programs_ask") && causes.contains(&"changed_programs_deny"), "{causes:?}");
}

#[test]
fn one_account_can_be_asked_about_more_or_less_than_the_others() {
    let (world, practice) = signed_in();
    world.sign_in("other", practice.mcp_url()).unwrap();
    // As long as nobody could be asked, anybody chooses.
    world.ok(&["change", "other", "--approval", "ask"]).unwrap();
    let mut program = program(&world);
    assert_eq!(asked(&mut program, "practice", false), "given");
    assert_eq!(asked(&mut program, "other", false), "consent_required");
    assert!(world.ok(&["show", "other"]).unwrap().contains("each program"));
    world.ok(&["change", "other", "--approval", "same-user"]).unwrap();
    assert_eq!(asked(&mut program, "other", false), "given");
    // What nobody chose in a window is no exception from asking.
    let mut prompter = Prompter::register(&world).unwrap();
    assert_eq!(asked(&mut program, "other", false), "consent_required");
    assert_eq!(admin(&world, "profile.show", &json!({ "profile": "other" }))["approval"], Value::Null);
    for approval in [json!("same_user"), Value::Null] {
        let params = json!({ "profile": "other", "approval": approval });
        assert_eq!(refused(&world, "account.approval", &params), 34, "{params}");
    }
    prompter.0.ok("account.approval", &json!({ "profile": "other", "approval": "same_user" })).unwrap();
    assert_eq!(asked(&mut program, "other", false), "given");
    assert_eq!(asked(&mut program, "practice", false), "consent_required");
    // It holds for the next agent, and goes with the account and comes back with it.
    drop(prompter);
    world.kill_agent().unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let mut program = self::program(&world);
    assert_eq!(asked(&mut program, "other", false), "given");
    let undo = prompter.0.ok("profile.remove", &json!({ "profile": "other" })).unwrap();
    prompter.0.ok("profile.restore", &undo).unwrap();
    assert_eq!(asked(&mut program, "other", false), "given");
    // And in the other direction where all others are allowed.
    prompter.0.ok("settings.set", &json!({ "approval": "same_user" })).unwrap();
    admin(&world, "account.approval", &json!({ "profile": "practice", "approval": "ask" }));
    assert_eq!(asked(&mut program, "practice", false), "consent_required");
    assert_eq!(refused(&world, "account.approval", &json!({ "profile": "practice" })), 34);
}

#[test]
fn the_log_tells_more_at_once_and_for_the_next_agent_and_less_again() {
    let (mut world, _practice) = signed_in();
    // Without a word in the environment the setting counts.
    world.ok(&["agent", "stop"]).unwrap();
    fs::remove_file(world.home.join("state/agent.log")).unwrap();
    world.log_level = "";
    world.ok(&["token", "practice"]).unwrap();
    assert!(world.log().contains("INFO") && !world.log().contains("DEBUG"), "{}", world.log());
    admin(&world, "settings.set", &json!({ "log_detail": "detailed" }));
    until("more to be told", || {
        world.ok(&["token", "practice"])?;
        Ok(world.log().contains("token.get").then_some(()))
    })
    .unwrap();
    let libraries = world.log().lines().filter(|line| line.contains("DEBUG") && !line.contains("keybearer")).count();
    assert_eq!((libraries, world.log().contains("TRACE")), (0, false), "{}", world.log());
    world.ok(&["agent", "stop"]).unwrap();
    fs::remove_file(world.home.join("state/agent.log")).unwrap();
    world.ok(&["token", "practice"]).unwrap();
    until("the next agent to tell as much", || {
        world.ok(&["token", "practice"])?;
        Ok(world.log().contains("token.get").then_some(()))
    })
    .unwrap();
    // People edit the file, too: whoever looks at the settings sees that.
    let file = world.home.join("config/settings.json");
    let edited = fs::read_to_string(&file).unwrap().replace("detailed", "normal");
    world.session.write("kb/config/settings.json", &edited).unwrap();
    assert_eq!(admin(&world, "settings.get", &json!({}))["log_detail"], "normal");
    until("less to be told", || {
        let before = world.log();
        world.ok(&["token", "practice"])?;
        Ok((!world.log()[before.len()..].contains("token.get")).then_some(()))
    })
    .unwrap();
}

#[test]
fn sign_ins_open_the_browser_that_was_chosen_and_the_systems_where_it_is_gone() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let marker = world.session.folder().join("opened");
    let program = world.session.write("browser.sh", &format!("echo \"$@\" >>'{}'\n", marker.display())).unwrap();
    let entry = |exec: &str, types: &str| {
        format!("[Desktop Entry]\nType=Application\nName=Chosen\nExec={exec}\nMimeType={types}\n")
    };
    let web = "text/html;x-scheme-handler/http;x-scheme-handler/https;";
    let exec = format!("sh {} --new-window %u %i", program.display());
    world.session.write("data/applications/chosen.desktop", &entry(&exec, web)).unwrap();
    world.session.write("data/applications/editor.desktop", &entry("editor %U", "text/plain;")).unwrap();
    for nothing in ["editor.desktop", "nobody.desktop", "../applications/chosen.desktop"] {
        assert_eq!(refused(&world, "settings.set", &json!({ "browser": nothing })), 64, "{nothing}");
    }
    assert_eq!(admin(&world, "settings.set", &json!({ "browser": "chosen.desktop" }))["browser"], "chosen.desktop");
    world.add("practice", practice.mcp_url()).unwrap();
    let start = json!({ "profile": "practice", "environment": { "DISPLAY": ":7", "BROWSER": world.browser } });
    admin(&world, "auth.start", &start);
    let opened =
        until("the browser", || Ok(fs::read_to_string(&marker).ok().filter(|opened| opened.ends_with('\n')))).unwrap();
    assert!(opened.starts_with("--new-window http") && opened.lines().count() == 1, "{opened}");
    assert!(opened.trim_end().ends_with(|c: char| c != 'i'), "{opened}");
    world.ok(&["sign-in", "practice", "--cancel"]).unwrap();
    // Without a screen there is no place for it, and one that is gone opens nothing.
    fs::remove_file(world.session.folder().join("data/applications/chosen.desktop")).unwrap();
    admin(&world, "auth.start", &start);
    until("the sign-in", || Ok((world.json(&["list"])?[0]["status"] == "connected").then_some(()))).unwrap();
    assert_eq!(admin(&world, "settings.set", &json!({ "browser": "" }))["browser"], Value::Null);
}

#[test]
fn the_keyring_is_called_by_its_name_and_its_collections() {
    let world = World::new().unwrap();
    let status = world.json(&["vault", "status"]).unwrap();
    assert_eq!(status["keyring"]["program"], "GNOME Keyring", "{status}");
    assert_eq!(status["keyring"]["collection"], "Login", "{status}");
    let said = world.ok(&["vault", "status"]).unwrap();
    assert!(said.contains("the system keyring (GNOME Keyring, collection \"Login\")"), "{said}");
}
