//! Bad input and bad luck: each a clear message with its exit code, and nothing lost.

use keybearer_tests::practice::Practice;
use keybearer_tests::session::Session;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// `keybearer` fails with this exit code, says nothing on standard output, and one line with these words.
fn fails(world: &World, arguments: &[&str], code: i32, words: &[&str]) {
    let run = world.run(arguments).unwrap();
    assert_eq!((run.code, run.out.as_str()), (code, ""), "{arguments:?}: {}", run.err);
    assert_eq!(run.err.lines().count(), 1, "{arguments:?}: {}", run.err);
    assert!(words.iter().all(|word| run.err.contains(word)), "{arguments:?}: {} lacks {words:?}", run.err);
}

#[test]
fn addresses_that_lead_to_no_mcp_server_say_what_is_there() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plain = format!("{}/plain", practice.issuer());
    for (name, url, code, words) in [
        ("plain", plain.as_str(), 27, &["not_mcp_server", "text/html"][..]),
        ("dns", "https://nowhere.invalid/mcp", 20, &["nowhere.invalid", "could not be found"]),
        ("refused", &format!("http://{closed}/mcp"), 20, &["doesn't accept connections"]),
    ] {
        world.add(name, url).unwrap();
        fails(&world, &["sign-in", name], code, words);
    }
    // What was written down stays, to be corrected.
    assert_eq!(world.json(&["list"]).unwrap().as_array().unwrap().len(), 3);
}

#[test]
fn a_proxy_may_have_a_name_of_this_machine() {
    let world = World::new().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut agent = world.command(&["agent", "start"]);
    assert!(agent.env("HTTPS_PROXY", format!("http://localhost:{}", closed.port())).output().unwrap().status.success());
    world.add("far", "https://mcp.example.com/mcp").unwrap();
    fails(&world, &["sign-in", "far"], 20, &["doesn't accept connections"]);
}

/// A TLS server whose certificate nobody signed.
struct SelfSigned(Child, u16);

impl SelfSigned {
    fn start(world: &World) -> SelfSigned {
        let file = |name: &str| world.session.folder().join(name).display().to_string();
        let (key, certificate) = (file("key.pem"), file("certificate.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-days", "1", "-subj", "/CN=localhost", "-keyout", &key, "-out", &certificate])
            .output()
            .unwrap();
        assert!(made.status.success());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("openssl");
        command.args(["s_server", "-quiet", "-www", "-accept", &format!("127.0.0.1:{port}")]);
        let server = command.args(["-key", &key, "-cert", &certificate]).stderr(Stdio::null()).spawn().unwrap();
        let open = || Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        keybearer_tests::until::until("the TLS server", open).unwrap();
        SelfSigned(server, port)
    }
}

impl Drop for SelfSigned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let world = World::new().unwrap();
    let server = SelfSigned::start(&world);
    world.add("tls", &format!("https://localhost:{}/mcp", server.1)).unwrap();
    fails(&world, &["sign-in", "tls"], 28, &["tls_failure", "can't be trusted"]);
}

#[test]
fn authorization_servers_that_break_the_rules_are_refused_by_name() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    for (fault, reason) in [
        ("metadata-huge", "too_large"),
        ("metadata-wrong-issuer", "metadata_issuer_mismatch"),
        ("resource-mismatch", "resource_mismatch"),
        ("no-pkce-metadata", "pkce_unsupported"),
        ("no-registration", "registration_not_offered"),
        ("token-html", "not_json"),
    ] {
        practice.control(&json!({ "faults": [fault] })).unwrap();
        let run = world.run(&["sign-in", "practice", "--json"]).unwrap();
        let error: Value = serde_json::from_str(&run.err).unwrap_or_else(|_| panic!("{run:?}"));
        assert_eq!((run.code, run.out.as_str(), &error["data"]["reason"]), (21, "", &reason.into()), "{fault}");
    }
    practice.control(&json!({ "faults": ["busy"] })).unwrap();
    fails(&world, &["sign-in", "practice"], 20, &["503"]);
    practice.control(&json!({ "faults": ["require-native", "exact-port"] })).unwrap();
    world.ok(&["sign-in", "practice"]).unwrap();
}

#[test]
fn a_server_that_refuses_every_token_is_told_after_one_renewal() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    practice.control(&json!({ "faults": ["reject-tokens"] })).unwrap();
    fails(&world, &["test", "practice"], 21, &["refused this account"]);
    assert_eq!(practice.count("refreshes").unwrap(), 1);
}

#[test]
fn a_broken_servers_file_is_named_with_its_line_and_left_alone() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let good = fs::read_to_string(world.servers_file()).unwrap();
    let broken = good.replacen("\"type\"", "\"type", 1);
    let write = |text: &str| {
        #[expect(clippy::disallowed_methods, reason = "an editor writes like this")]
        fs::write(world.servers_file(), text).unwrap();
    };
    write(&broken);
    fails(&world, &["list"], 29, &["servers.json", "line 7 column", "nothing was changed"]);
    fails(&world, &["add", "https://a.example/mcp", "--no-sign-in"], 29, &["line 7"]);
    fails(&world, &["remove", "practice"], 29, &["line 7"]);
    assert!(world.json(&["status"]).unwrap()["configuration_problem"].as_str().unwrap().contains("line 7"));
    // Programs don't suffer from an edit in progress.
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 0);
    assert_eq!(fs::read_to_string(world.servers_file()).unwrap(), broken);
    // An agent that starts on it says the same, and is well when the file is.
    world.kill_agent().unwrap();
    fails(&world, &["token", "practice"], 29, &["line 7"]);
    write(&good);
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 0);
}

#[test]
fn without_a_keyring_nothing_is_signed_in_and_nothing_is_lost() {
    let (world, practice) = (World::on(Session::absent().unwrap()), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    fails(&world, &["sign-in", "practice"], 23, &["storage_unavailable", "keyring can't be reached"]);
    fails(&world, &["token", "practice"], 23, &["start a keyring"]);
    assert_eq!(world.json(&["status"]).unwrap()["vault"], "absent");
    // No browser was opened for a token that could not be kept.
    assert_eq!((practice.count("authorizations").unwrap(), practice.count("registrations").unwrap()), (0, 0));
}

#[test]
fn what_makes_no_sense_is_said_to_make_none() {
    let world = World::new().unwrap();
    world.add("a", "https://a.example/mcp").unwrap();
    fails(&world, &["add", "http://a.example/mcp", "--no-sign-in"], 64, &["https://"]);
    fails(&world, &["add", "not an address", "--no-sign-in"], 64, &["web address"]);
    fails(&world, &["add", "https://u:p@a.example/", "--no-sign-in"], 64, &["password"]);
    fails(&world, &["add", "https://b.example/", "--name", "a", "--no-sign-in"], 33, &["already"]);
    fails(&world, &["add", "https://b.example/", "--name", "a/b", "--no-sign-in"], 64, &["name"]);
    fails(&world, &["token", "nobody"], 11, &["nobody"]);
    fails(&world, &["token", "a"], 15, &["keybearer sign-in a"]);
    fails(&world, &["callback", "http://127.0.0.1:47821/callback?code=x&state=y"], 21, &["another sign-in"]);
    fails(&world, &["rpc", "nonsense"], 64, &["request"]);
    for usage in [&["token"][..], &["nonsense"], &["token", "a", "--min-ttl", "soon"], &["add"]] {
        let run = world.run(usage).unwrap();
        assert_eq!((run.code, run.out.as_str()), (64, ""), "{usage:?}");
    }
}
