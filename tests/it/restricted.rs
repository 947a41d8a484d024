//! The restricted door: what containers and remote hosts may ask for, and that a person is asked each time.

use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::until::until;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::{Run, World};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

fn signed_in() -> (World, Practice) {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&["--plant-token", "canary"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    (world, practice)
}

fn socket(world: &World) -> PathBuf {
    world.home.join("run/restricted/agent.v1.sock")
}

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_default()
}

fn is_token(answer: &Value) -> bool {
    answer["result"]["access_token"].as_str().is_some_and(|token| token.starts_with("canary"))
}

/// Asks for a token; the person answers this.
fn asked(wire: &mut Wire, prompter: &mut Prompter, params: &Value, decision: &str) -> (Value, Value) {
    wire.ask(7, "token.get", params).unwrap();
    let prompt = prompter.answer(decision).unwrap();
    (prompt, wire.receive().unwrap().unwrap())
}

#[test]
fn the_door_is_there_only_as_long_as_an_account_is_named_for_it() {
    let (world, _practice) = signed_in();
    let is_there = || socket(&world).exists();
    assert!(!is_there());
    assert_eq!(world.json(&["restricted"]).unwrap(), json!({ "profiles": [], "open": false, "problem": null }));
    let allowed = world.json(&["restricted", "allow", "practice"]).unwrap();
    assert_eq!(allowed, json!({ "profiles": ["practice"], "open": true, "problem": null }));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&socket(&world)), mode(socket(&world).parent().unwrap())), (0o600, 0o700));
    // It outlives the agent, and a socket that a killed one left is replaced.
    world.kill_agent().unwrap();
    world.ok(&["status"]).unwrap();
    until("the door", || Ok(Wire::open(&socket(&world)).ok().map(drop))).unwrap();
    let mut open = Wire::open(&socket(&world)).unwrap();
    world.ok(&["restricted", "disallow", "practice"]).unwrap();
    assert!(!is_there());
    assert_eq!(open.receive().unwrap(), None, "whoever was there is sent away");
    // It goes with the account that is removed, and with the agent that stops.
    world.ok(&["restricted", "allow", "practice"]).unwrap();
    world.ok(&["agent", "stop"]).unwrap();
    until("the agent's end", || Ok((!is_there()).then_some(()))).unwrap();
    world.ok(&["status"]).unwrap();
    until("the door", || Ok(is_there().then_some(()))).unwrap();
    world.ok(&["remove", "practice"]).unwrap();
    until("the removal", || Ok((!is_there()).then_some(()))).unwrap();
}

#[test]
fn a_door_that_cannot_be_opened_says_so() {
    let (world, _practice) = signed_in();
    fs::create_dir(world.home.join("run/restricted")).unwrap();
    fs::set_permissions(world.home.join("run/restricted"), fs::Permissions::from_mode(0o777)).unwrap();
    let allowed = world.json(&["restricted", "allow", "practice"]).unwrap();
    assert_eq!(allowed["open"], false);
    assert!(allowed["problem"].as_str().unwrap().contains("private"), "{allowed}");
}

#[test]
fn each_token_is_asked_about_and_marked_whatever_the_policy_is() {
    let (world, _practice) = signed_in();
    world.ok(&["restricted", "allow", "practice"]).unwrap();
    let mut wire = Wire::open(&socket(&world)).unwrap();
    let params = json!({ "profile": "practice" });
    // Other programs of this user get tokens unasked; here nobody is there to be asked.
    world.ok(&["token", "practice"]).unwrap();
    assert_eq!(code(&wire.call("token.get", &params).unwrap()), 1005);
    let mut prompter = Prompter::register(&world).unwrap();
    prompter.0.ok("settings.set", &json!({ "approval": "same_user" })).unwrap();
    world.ok(&["token", "practice"]).unwrap();
    for _ in 0..2 {
        let (prompt, answer) = asked(&mut wire, &mut prompter, &params, "once");
        assert_eq!((&prompt["kind"], &prompt["always_off"]), (&json!("restricted"), &json!("restricted")), "{prompt}");
        assert!(is_token(&answer), "{answer}");
    }
    // What would hold for longer isn't accepted.
    wire.ask(8, "header.get", &params).unwrap();
    let prompt = prompter.prompt().unwrap();
    for decision in ["while_running", "always"] {
        let refused = prompter.0.call("prompt.answer", &json!({ "prompt": prompt["prompt"], "decision": decision }));
        assert_eq!(code(&refused.unwrap()), 1031, "{decision}");
    }
    prompter.answer("once").unwrap();
    assert!(wire.receive().unwrap().unwrap()["result"]["headers"]["Authorization"].is_string());
    // Nobody is asked by whoever doesn't wait for the answer.
    for unasked in
        [json!({ "profile": "practice", "interactive": false }), json!({ "profile": "practice", "wait": false })]
    {
        assert_eq!(code(&wire.call("token.get", &unasked).unwrap()), 1005, "{unasked}");
    }
    assert_eq!(
        (prompter.prompts().unwrap(), prompter.0.ok("grant.list", &json!({})).unwrap()["grants"].clone()),
        (vec![], json!([]))
    );
}

#[test]
fn a_yes_for_a_program_of_this_user_is_none_for_whoever_it_forwards() {
    let (world, _practice) = signed_in();
    world.ok(&["restricted", "allow", "practice"]).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    // This very process may, as long as it runs.
    let mut own = world.programs().unwrap();
    assert!(is_token(&asked(&mut own, &mut prompter, &json!({ "profile": "practice" }), "while_running").1));
    assert!(is_token(&own.call("token.get", &json!({ "profile": "practice" })).unwrap()));
    let mut wire = Wire::open(&socket(&world)).unwrap();
    assert_eq!(code(&asked(&mut wire, &mut prompter, &json!({ "profile": "practice" }), "deny").1), 1004);
}

#[test]
fn a_door_whose_questions_come_to_nothing_rests() {
    let (world, _practice) = signed_in();
    world.ok(&["restricted", "allow", "practice"]).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    for _ in 0..2 {
        // A new connection is no new program: nobody can tell.
        let mut wire = Wire::open(&socket(&world)).unwrap();
        assert_eq!(code(&asked(&mut wire, &mut prompter, &json!({ "profile": "practice" }), "deny").1), 1004);
    }
    let mut wire = Wire::open(&socket(&world)).unwrap();
    let resting = wire.call("token.get", &json!({ "profile": "practice" })).unwrap();
    assert!(resting["error"]["data"]["retry_after_ms"].as_u64() > Some(0), "{resting}");
}

#[test]
fn nothing_but_named_accounts_is_there_and_nothing_but_tokens_of_them() {
    let (world, practice) = signed_in();
    world.sign_in("other", practice.mcp_url()).unwrap();
    world.ok(&["restricted", "allow", "practice"]).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let mut wire = Wire::open(&socket(&world)).unwrap();
    assert_eq!(wire.capabilities, ["token.get", "header.get", "token.invalidate", "agent.ping", "request.cancel"]);
    // An account that isn't named, one that isn't there, and an address that both have: no difference.
    let missing = |wire: &mut Wire, params: Value| {
        let name = params["profile"].as_str().or(params["server_url"].as_str()).unwrap().to_owned();
        let mut answer = wire.call("token.get", &params).unwrap();
        assert_eq!(code(&answer), 1002, "{answer}");
        answer["error"]["message"] = json!(answer["error"]["message"].as_str().unwrap().replace(&name, "NAME"));
        answer
    };
    let expected = missing(&mut wire, json!({ "profile": "nobody" }));
    assert_eq!(missing(&mut wire, json!({ "profile": "other" })), expected);
    assert_eq!(missing(&mut wire, json!({ "profile": practice.mcp_url() })), expected);
    assert_eq!(missing(&mut wire, json!({ "server_url": practice.mcp_url() })), expected);
    for method in [
        "session.delegate",
        "profile.list",
        "profile.show",
        "agent.status",
        "agent.lock",
        "agent.unlock",
        "grant.list",
        "restricted.allow",
        "prompt.register",
        "settings.set",
        "nonsense",
    ] {
        let refused = wire.call(method, &json!({ "profile": "practice" })).unwrap();
        assert_eq!(code(&refused), -32601, "{method}: {refused}");
    }
    // Only a connection that was given a token says that it was refused.
    let (_, given) = asked(&mut wire, &mut prompter, &json!({ "profile": "practice" }), "once");
    let refused = json!({ "profile": "practice", "generation": given["result"]["generation"], "reason": "401" });
    assert_eq!(code(&Wire::open(&socket(&world)).unwrap().call("token.invalidate", &refused).unwrap()), 1005);
    assert!(wire.call("token.invalidate", &refused).unwrap()["result"]["generation"].is_u64());
    // What is taken away while the person thinks isn't given.
    wire.ask(9, "token.get", &json!({ "profile": "practice" })).unwrap();
    let prompt = prompter.prompt().unwrap();
    world.sign_in("third", practice.mcp_url()).unwrap();
    prompter.0.ok("restricted.allow", &json!({ "profile": "third" })).unwrap();
    world.ok(&["restricted", "disallow", "practice"]).unwrap();
    prompter.0.ok("prompt.answer", &json!({ "prompt": prompt["prompt"], "decision": "once" })).unwrap();
    assert_eq!(code(&wire.receive().unwrap().unwrap()), 1002);
}

#[test]
fn a_stranger_learns_nothing_of_this_machines_processes() {
    let (world, _practice) = signed_in();
    world.ok(&["restricted", "allow", "practice"]).unwrap();
    let mut wire = Wire::connect(&socket(&world)).unwrap();
    let params = json!({ "protocol": { "min": 1, "max": 1 }, "client": { "name": "liar", "version": "0" } });
    wire.send(&json!({ "jsonrpc": "2.0", "id": 0, "method": "session.open", "params": params }).to_string()).unwrap();
    let caller = wire.receive().unwrap().unwrap()["result"]["caller"].clone();
    assert_eq!((&caller["pid"], &caller["exe"], &caller["program"]["chain"]), (&Value::Null, &Value::Null, &json!([])));
}

#[test]
fn once_there_was_a_window_it_alone_names_accounts() {
    let (world, _practice) = signed_in();
    let mut prompter = Prompter::register(&world).unwrap();
    assert_eq!(world.run(&["restricted", "allow", "practice"]).unwrap().code, 34);
    assert!(!socket(&world).exists());
    let allowed = prompter.0.ok("restricted.allow", &json!({ "profile": "practice" })).unwrap();
    assert_eq!(allowed["open"], true, "{allowed}");
    // Less is anybody's.
    world.ok(&["restricted", "disallow", "practice"]).unwrap();
    assert!(!socket(&world).exists());
}

/// A lock gives out nothing here either.
#[test]
fn a_locked_agent_is_locked_behind_the_restricted_door_too() {
    let (world, _practice) = signed_in();
    world.ok(&["restricted", "allow", "practice"]).unwrap();
    let _prompter = Prompter::register(&world).unwrap();
    let mut wire = Wire::open(&socket(&world)).unwrap();
    world.ok(&["lock"]).unwrap();
    assert_eq!(code(&wire.call("token.get", &json!({ "profile": "practice" })).unwrap()), 1001);
}

/// The line in the document that holds this, with these words replaced.
fn line_of_document(holding: &str, words: &[(&str, &str)]) -> String {
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/sandboxes.md")).unwrap();
    let line = document.lines().find(|line| line.contains(holding) && !line.contains("`")).unwrap();
    words.iter().fold(line.trim().to_owned(), |line, (word, by)| {
        assert!(line.contains(word), "{line} has no {word}");
        line.replace(word, by)
    })
}

/// An sshd of this user's own, on this machine.
struct RemoteHost {
    sshd: Child,
    config: PathBuf,
}

impl RemoteHost {
    fn start(world: &World) -> RemoteHost {
        let folder = world.session.folder().join("ssh");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        for key in ["host", "user"] {
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join(key)).status();
            assert!(made.unwrap().success());
        }
        fs::copy(folder.join("user.pub"), folder.join("authorized")).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = folder.display();
        let server = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nAuthorizedKeysFile {at}/authorized\nUsePAM no\n\
             PasswordAuthentication no\nStrictModes no\nPermitRootLogin yes\nPidFile {at}/pid\n{}\n",
            line_of_document("StreamLocalBindUnlink", &[])
        );
        world.session.write("ssh/sshd_config", &server).unwrap();
        let client = format!(
            "Host build.example\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {at}/user\n  IdentitiesOnly yes\n  \
             BatchMode yes\n  StrictHostKeyChecking no\n  UserKnownHostsFile {at}/known\n  ExitOnForwardFailure yes\n"
        );
        let config = world.session.write("ssh/config", &client).unwrap();
        // What it drops its rights in; a package makes it when the service starts.
        let _ = fs::create_dir_all("/run/sshd");
        let mut sshd = Command::new("/usr/sbin/sshd");
        sshd.args(["-D", "-e", "-f"]).arg(folder.join("sshd_config")).stderr(Stdio::null());
        let sshd = sshd.spawn().expect("`cargo xtask test` installs openssh-server");
        let host = RemoteHost { sshd, config };
        until("sshd", || Ok(host.run("true").status()?.success().then_some(()))).unwrap();
        host
    }

    /// `ssh` to it, with these words.
    fn run(&self, words: &str) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.arg("-F").arg(&self.config).arg("build.example").arg(words).stdin(Stdio::null()).stderr(Stdio::null());
        ssh
    }
}

impl Drop for RemoteHost {
    fn drop(&mut self) {
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }
}

#[test]
fn a_remote_host_gets_a_token_over_ssh_as_the_document_says() {
    let (world, _practice) = signed_in();
    world.ok(&["restricted", "allow", "practice"]).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let host = RemoteHost::start(&world);
    // The folder that the document has people make at the remote host.
    let remote = world.session.folder().join("remote");
    let place = remote.join("run/keybearer/programs");
    fs::create_dir_all(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).unwrap();
    let (restricted, remote_base) = (socket(&world), remote.join("run/keybearer"));
    let base = restricted.parent().unwrap().parent().unwrap().display().to_string();
    let ssh = line_of_document(
        "ssh -R",
        &[
            ("/run/user/1000/keybearer/restricted", &format!("{base}/restricted")),
            ("/home/ada/.keybearer", remote_base.to_str().unwrap()),
            ("ssh ", &format!("ssh -F {} ", host.config.display())),
        ],
    );
    let asking =
        format!("{ssh} 'KEYBEARER_SOCKET={} {} token practice'", remote_base.display(), world.keybearer().display());
    for decision in ["once", "deny"] {
        let mut shell = Command::new("sh");
        let asking = shell.args(["-c", &asking]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let asking = asking.spawn().unwrap();
        let prompt = prompter.answer(decision).unwrap();
        assert_eq!((&prompt["kind"], &prompt["program"]["name"]), (&json!("restricted"), &json!("ssh")), "{prompt}");
        let said: Run = asking.wait_with_output().unwrap().into();
        assert_eq!(
            (said.code, said.out.starts_with("canary")),
            if decision == "once" { (0, true) } else { (13, false) }
        );
    }
}

#[test]
fn a_container_gets_a_token_with_the_restricted_folder_alone() {
    let (world, _practice) = signed_in();
    world.ok(&["restricted", "allow", "practice"]).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    // As `docker run` and `podman run` make one: namespaces of its own, this user's rights over nothing outside.
    let contained = |folder: &str| {
        let mut container = Command::new("bwrap");
        container.args([
            "--unshare-all",
            "--die-with-parent",
            "--ro-bind",
            "/",
            "/",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
        ]);
        container.args(["--tmpfs", "/run", "--tmpfs", "/mnt", "--dir", "/run/keybearer"]);
        container.arg("--bind").arg(world.home.join("run").join(folder)).arg("/run/keybearer/programs");
        container.arg("--tmpfs").arg(&world.home);
        container.args(["--setenv", "KEYBEARER_SOCKET", "/run/keybearer"]);
        container.arg(world.keybearer()).args(["token", "practice"]);
        container.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
    };
    let asking = contained("restricted");
    let prompt = prompter.answer("once").unwrap();
    assert_eq!(prompt["kind"], "restricted", "{prompt}");
    let said: Run = asking.wait_with_output().unwrap().into();
    assert!(said.code == 0 && said.out.starts_with("canary"), "{said:?}");
}
