//! What token endpoints do in bad hours: what a program gets then, what is kept, and how often the server is asked.

use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};

/// What comes of a renewal that meets a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// New tokens.
    Renewed,
    /// Nothing is lost: it is asked again, and all is well when the server is well. The exit code meanwhile.
    KeptFor(i32),
    /// A person has to sign in again.
    SignIn,
}

use Outcome::{KeptFor, Renewed, SignIn};

/// Faults of the server; the grace that it gives to a refresh token that was used, in seconds; the outcome; how many
/// requests one renewal brings to it.
const ROWS: &[(&[&str], u32, Outcome, u64)] = &[
    (&["slow-token"], 0, Renewed, 1),
    // No answer, or none that can be read, after the server has acted: what helps is to ask at once, if anything does.
    (&["refresh-drops-answer"], 30, KeptFor(20), 2),
    (&["refresh-drops-answer"], 0, SignIn, 2),
    (&["refresh-breaks-answer"], 30, KeptFor(20), 2),
    (&["refresh-breaks-answer"], 0, SignIn, 2),
    (&["refresh-cuts-json"], 30, KeptFor(21), 2),
    (&["refresh-cuts-json"], 0, SignIn, 2),
    (&["refresh-html-after"], 30, KeptFor(21), 2),
    (&["refresh-html-after"], 0, SignIn, 2),
    // The same where the server has not acted.
    (&["token-html"], 0, KeptFor(21), 2),
    (&["refresh-500"], 0, KeptFor(20), 1),
    (&["refresh-500-after"], 30, KeptFor(20), 1),
    // A proxy that asks twice for us.
    (&["refresh-arrives-twice"], 30, Renewed, 2),
    (&["refresh-arrives-twice"], 0, SignIn, 2),
    // Answers that are in order, and not as one would think.
    (&["refresh-omits-refresh-token"], 0, Renewed, 1),
    (&["refresh-keeps-refresh-token"], 0, Renewed, 1),
    (&["refresh-narrows-scope"], 0, Renewed, 1),
    (&["expires-in-string"], 0, Renewed, 1),
    (&["no-expires-in"], 0, Renewed, 1),
    (&["refresh-invalid-grant"], 0, SignIn, 1),
];

#[test]
fn each_fault_of_a_token_endpoint_has_the_outcome_that_can_be_hoped_for() {
    let world = World::new().unwrap();
    for (number, (faults, grace, outcome, requests)) in ROWS.iter().enumerate() {
        let practice = Practice::start(&["--refresh-grace", &grace.to_string()]).unwrap();
        let row = Row {
            world: &world,
            practice: &practice,
            name: format!("row-{number}"),
            what: format!("{faults:?}, {grace} s"),
        };
        world.sign_in(&row.name, practice.mcp_url()).unwrap();
        let old = world.json(&["token", &row.name]).unwrap();
        let before = row.show();
        practice.control(&json!({ "faults": faults })).unwrap();
        let run = world.run(&["token", &row.name, "--force"]).unwrap();
        let after = row.show();
        for kept in ["id", "client_id", "issuer", "server_url", "registration", "callback", "signed_in_at"] {
            assert_eq!(after[kept], before[kept], "{}: {kept}", row.what);
        }
        match outcome {
            Renewed => row.is_renewed(&old, run.code, *requests),
            KeptFor(code) => row.is_kept(&old, (run.code, *code), *requests),
            SignIn => row.needs_sign_in(&old, (run.code, &run.err), *requests),
        }
        world.ok(&["remove", &row.name]).unwrap();
    }
}

#[test]
fn a_grant_that_was_revoked_is_asked_for_once_and_costs_a_sign_in() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let row = Row { world: &world, practice: &practice, name: "practice".to_owned(), what: "revoked".to_owned() };
    world.sign_in("practice", practice.mcp_url()).unwrap();
    practice.control(&json!({ "revoke_all": true })).unwrap();
    // The server's 401 is how it is noticed; of the old token nothing is handed out then.
    assert_eq!(world.run(&["test", "practice"]).unwrap().code, 21);
    assert_eq!((row.refreshes(), row.show()["status"].as_str()), (1, Some("needs_sign_in")));
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 15);
    assert_eq!(row.refreshes(), 1);
    world.ok(&["sign-in", "practice"]).unwrap();
    assert_eq!(world.json(&["test", "practice"]).unwrap()["ok"], true);
}

struct Row<'a> {
    world: &'a World,
    practice: &'a Practice,
    name: String,
    what: String,
}

impl Row<'_> {
    fn is_renewed(&self, old: &Value, code: i32, requests: u64) {
        assert_eq!((code, self.refreshes()), (0, requests), "{}", self.what);
        let new = self.token(&[]);
        assert_ne!(new["access_token"], old["access_token"], "{}", self.what);
        assert_eq!(new["generation"].as_u64(), old["generation"].as_u64().map(|old| old + 1), "{}", self.what);
        assert_eq!(new["expires_at"].is_string(), !self.what.contains("no-expires-in"), "{}", self.what);
        let narrowed = self.what.contains("narrows");
        assert_eq!(new["scopes"] == old["scopes"], !narrowed, "{}", self.what);
        assert_eq!(new["scopes"].as_array().map(Vec::is_empty), Some(false), "{}", self.what);
        assert_eq!(self.show()["status"], "connected", "{}", self.what);
        // The refresh token that is left is a good one, whichever it is.
        self.practice.control(&json!({ "faults": [] })).unwrap();
        assert_ne!(self.token(&["--force"])["access_token"], new["access_token"], "{}", self.what);
        assert_eq!(self.practice.count("reuse_detected").unwrap(), 0, "{}", self.what);
    }

    fn is_kept(&self, old: &Value, (code, expected): (i32, i32), requests: u64) {
        assert_eq!(code, expected, "{}", self.what);
        // The agent goes on by itself, and no more often than it says; programs get the old token, which costs no request.
        until("as many requests as tries", || {
            assert_eq!(self.token(&[])["access_token"], old["access_token"], "{}", self.what);
            let (tries, refreshes) = (self.tries(), self.refreshes());
            assert!(refreshes <= requests * (tries + 1), "{}: {refreshes} requests, {tries} tries", self.what);
            Ok((tries > 1 && refreshes == requests * tries).then_some(()))
        })
        .unwrap();
        let status = if expected == 20 { "unreachable" } else { "connected" };
        let (show, generation) = (self.show(), &old["generation"]);
        assert_eq!((show["status"].as_str(), &show["generation"]), (Some(status), generation), "{}", self.what);
        assert_eq!(show["renewable"], true, "{}", self.what);
        self.practice.control(&json!({ "faults": [] })).unwrap();
        until("the next try", || Ok((self.show()["generation"] != *generation).then_some(()))).unwrap();
        assert_ne!(self.token(&[])["access_token"], old["access_token"], "{}", self.what);
        assert_eq!(self.show()["status"], "connected", "{}", self.what);
        assert_eq!(self.practice.count("reuse_detected").unwrap(), 0, "{}", self.what);
    }

    fn needs_sign_in(&self, old: &Value, (code, told): (i32, &str), requests: u64) {
        let way_out = format!("keybearer sign-in {}", self.name);
        assert_eq!(
            (code, told.contains("invalid_grant"), told.contains(&way_out)),
            (15, true, true),
            "{}: {told}",
            self.what
        );
        // Nothing was deleted: the access token serves to its end, and nobody is asked in vain.
        for arguments in [&[][..], &["--force"]] {
            let token = self.token(arguments);
            assert_eq!(
                (&token["access_token"], &token["generation"]),
                (&old["access_token"], &old["generation"]),
                "{}",
                self.what
            );
        }
        let show = self.show();
        assert_eq!((&show["renewable"], &show["renews_at"]), (&json!(false), &Value::Null), "{}", self.what);
        assert_eq!(self.refreshes(), requests, "{}", self.what);
        self.practice.control(&json!({ "faults": [] })).unwrap();
        self.world.ok(&["sign-in", &self.name]).unwrap();
        assert_eq!((self.show()["status"].as_str(), self.refreshes()), (Some("connected"), requests), "{}", self.what);
        self.token(&["--force"]);
    }

    fn token(&self, more: &[&str]) -> Value {
        self.world.json(&[&["token", &self.name], more].concat()).unwrap()
    }

    fn show(&self) -> Value {
        self.world.json(&["show", &self.name]).unwrap()
    }

    fn refreshes(&self) -> u64 {
        self.practice.count("refreshes").unwrap()
    }

    /// How often the agent has tried in vain, as its log has it.
    fn tries(&self) -> u64 {
        let (log, show) = (self.world.log(), self.show());
        let id = show["id"].as_str().unwrap();
        let is_try = |line: &&str| line.contains("a renewal came to nothing") && line.contains(id);
        u64::try_from(log.lines().filter(is_try).count()).unwrap()
    }
}
