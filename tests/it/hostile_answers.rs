//! Answers that no honest server gives: each stops a sign-in by a name of its own, or does no harm. One agent hears
//! them all, and is well afterwards.

/// The server that gives them.
mod liar;
/// The table of answers.
mod rows;

use keybearer_tests::wire::Wire;
use keybearer_tests::world::{World, share_ports};
use liar::{Liar, Place};
use rows::{Ends, Row, Trick, rows};
use serde_json::{Value, json};
use std::fs;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What every token holds: it appears in no message and no log.
const SECRET: &str = "s3cr3t-t0ken";
/// The most bytes of an address that a browser is handed, and of anything that people read.
const LONGEST: usize = 64 * 1024;
/// Accounts that are at it at one time.
const HANDS: usize = 12;
/// Longer than the product waits for any one answer (30 s), and for a whole listing of tools (60 s).
const PATIENCE: Duration = Duration::from_secs(75);
/// The most memory that the agent may ever take, in kB. A body counts 1 MiB, and there are twelve at a time.
const MEMORY: u64 = 128 * 1024;

#[test]
fn hostile_answers_stop_a_sign_in_by_name_or_do_no_harm() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    let (agent, rows) = (world.agent_pid().unwrap(), rows());
    assert!(rows.len() >= 60, "only {} rows", rows.len());
    let lies = rows.iter().filter_map(|row| match &row.trick {
        Trick::Answer(place, lie) => Some(((row.name.to_owned(), *place), lie.clone())),
        Trick::Callback(_) => None,
    });
    let liar = Liar::start(lies.collect());
    let _ports = share_ports();
    let (waiting, wrong) = (Mutex::new(rows), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..HANDS {
            scope.spawn(|| {
                let mut hand = Hand::new(&world);
                while let Some(row) = { waiting.lock().unwrap().pop() } {
                    let began = Instant::now();
                    let found = hand.play(&liar, &row);
                    if found != row.ends || began.elapsed() > PATIENCE {
                        wrong.lock().unwrap().push(format!(
                            "{}: {found:?} in {:?}, not {:?}",
                            row.name,
                            began.elapsed(),
                            row.ends
                        ));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(liar.strays(), 0, "a redirect was followed");
    assert_eq!(Hand::new(&world).sign_in(&liar, "honest", None), Ends::Well);
    assert_eq!(world.agent_pid(), Some(agent), "the agent fell");
    assert!(
        !world.log().contains(SECRET),
        "a token is in the log: {:?}",
        world.log().lines().find(|line| line.contains(SECRET))
    );
    let status = fs::read_to_string(format!("/proc/{agent}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    let peak: u64 = peak.unwrap();
    assert!(peak < MEMORY, "the agent took {peak} kB");
}

/// One caller with its connections.
struct Hand {
    admin: Wire,
    programs: Wire,
}

impl Hand {
    fn new(world: &World) -> Hand {
        Hand { admin: Wire::open(&world.admin_socket()).unwrap(), programs: world.programs().unwrap() }
    }

    fn play(&mut self, liar: &Liar, row: &Row) -> Ends {
        let name = row.name;
        match &row.trick {
            Trick::Callback(answer) => self.sign_in(liar, name, Some(answer)),
            Trick::Answer(Place::Refresh, _) => {
                self.sign_in(liar, name, None);
                let forced = self.programs.call("token.get", &json!({ "profile": name, "force": true })).unwrap();
                // Whatever came of it, the token in hand is served as long as it is good.
                let served = self.programs.call("token.get", &json!({ "profile": name })).unwrap();
                match served["result"]["access_token"].is_string() {
                    true => ending(&json!({ "error": forced["error"] })),
                    false => Ends::Unfit(format!("no token: {served}")),
                }
            }
            Trick::Answer(Place::Revoke, _) => {
                self.sign_in(liar, name, None);
                let reply = self.admin.call("account.sign_out", &json!({ "profile": name })).unwrap();
                let ends = ending(&reply);
                if ends == Ends::Well && reply["result"]["revoked"] == false { Ends::NotRevoked } else { ends }
            }
            Trick::Answer(Place::Tools, _) => {
                let ends = self.sign_in(liar, name, None);
                if ends != Ends::Well {
                    return ends;
                }
                ending(&self.admin.call("account.test", &json!({ "profile": name })).unwrap())
            }
            Trick::Answer(..) => self.sign_in(liar, name, None),
        }
    }

    /// Adds the account and signs in; the browser comes back as told, or with a code.
    fn sign_in(&mut self, liar: &Liar, name: &str, answer: Option<&str>) -> Ends {
        let account = json!({ "url": liar.mcp_url(name), "name": name });
        assert!(self.admin.call("profile.add", &account).unwrap().get("result").is_some(), "{name}");
        let mut reply = self.admin.call("auth.start", &json!({ "profile": name, "no_open": true })).unwrap();
        while reply["result"]["phase"] == "preparing" {
            let news = json!({ "profile": name, "seen": reply["result"]["revision"], "wait_ms": 30_000 });
            reply = self.admin.call("auth.status", &news).unwrap();
        }
        if reply["result"]["phase"] == "waiting_for_browser" {
            let page = reply["result"]["authorization_url"].as_str().unwrap().to_owned();
            if !page.is_ascii() || page.len() > LONGEST {
                return Ends::Unfit(format!("{} bytes to a browser", page.len()));
            }
            let callback = callback(&page, answer.unwrap_or("REDIRECT?code=x&state=STATE"));
            reply = self.admin.call("auth.complete", &json!({ "url": callback })).unwrap();
        }
        let shown = self.admin.call("profile.show", &json!({ "profile": name })).unwrap();
        unfit(&shown).map_or_else(|| ending(&reply), Ends::Unfit)
    }
}

/// The address that the browser comes back to.
fn callback(page: &str, answer: &str) -> String {
    let parameter = |name: &str| page.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let redirect = parameter("redirect_uri").unwrap().replace("%3A", ":").replace("%2F", "/");
    answer.replace("REDIRECT", &redirect).replace("STATE", parameter("state").unwrap())
}

/// How a request, or the sign-in that it tells about, has ended.
fn ending(reply: &Value) -> Ends {
    if let Some(unfit) = unfit(reply) {
        return Ends::Unfit(unfit);
    }
    let failed = reply.get("error").or(reply["result"].get("error")).filter(|error| !error.is_null());
    failed.map_or(Ends::Well, |error| {
        let word = |member: &str| error["data"][member].as_str().unwrap_or_default().to_owned();
        Ends::Badly(word("name"), word("reason"))
    })
}

/// The first words of a reply that people must not be shown: with controls, directions or other unseen characters, with
/// a token, or without an end.
fn unfit(reply: &Value) -> Option<String> {
    let is_odd =
        |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    match reply {
        Value::String(words) if words.contains(is_odd) || words.contains(SECRET) || words.len() > LONGEST => {
            Some(format!("{words:.200?}"))
        }
        Value::Array(values) if values.len() > 100 => Some(format!("a list of {}", values.len())),
        Value::Array(values) => values.iter().find_map(unfit),
        Value::Object(members) => members.values().find_map(unfit),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
