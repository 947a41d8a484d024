//! What lies in the agent's memory, looked at as only root can.

use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::process::Stdio;

/// A piece of memory that is read at one time.
const PIECE: usize = 1 << 20;

/// Where in the memory of this process the words lie, by the names of the regions.
fn regions_holding(pid: u32, words: &[&str]) -> io::Result<Vec<String>> {
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let longest = words.iter().map(|word| word.len()).max().unwrap_or_default();
    let mut found = Vec::new();
    for region in fs::read_to_string(format!("/proc/{pid}/maps"))?.lines() {
        let mut columns = region.split_whitespace();
        let (span, rights) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
        let ends = span
            .split_once('-')
            .map(|(from, to)| [from, to].map(|end| u64::from_str_radix(end, 16).unwrap_or_default()));
        let Some([mut at, end]) = ends.filter(|_| rights.starts_with("rw")) else { continue };
        let mut piece = vec![0; PIECE + longest];
        while at < end {
            let length = usize::try_from(end - at).unwrap_or(usize::MAX).min(piece.len());
            // Pages that the kernel keeps for itself can't be read by anybody.
            let read = memory.read_at(&mut piece[..length], at).unwrap_or_default();
            for word in words {
                let times = piece[..read].windows(word.len()).filter(|window| *window == word.as_bytes()).count();
                found.extend((0..times).map(|_| format!("{word} in {region}")));
            }
            at += u64::try_from(PIECE).map_err(io::Error::other)?;
        }
    }
    Ok(found)
}

/// The words that stand in the keyring's item of an account, and nowhere else.
fn secrets_of(world: &World, name: &str) -> Vec<String> {
    let id = world.json(&["show", name]).unwrap()["id"].as_str().unwrap().to_owned();
    let item: Value = serde_json::from_str(&world.session.read_item(&id).unwrap()).unwrap();
    let places = [
        "/tokens/access_token",
        "/tokens/refresh_token",
        "/tokens/dpop_key",
        "/secret/value",
        "/pending/authorization/code_verifier",
    ];
    let secrets = places.iter().filter_map(|place| item.pointer(place)?.as_str()).map(str::to_owned);
    // A key has lines, and the longest of them tells it from all others.
    let longest = |secret: String| secret.lines().max_by_key(|line| line.len()).unwrap_or_default().to_owned();
    secrets.map(longest).collect()
}

#[test]
fn a_lock_leaves_no_secret_in_memory() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    let pid = world.agent_pid().unwrap();
    if let Err(error) = regions_holding(pid, &["x"]) {
        // Whoever isn't root is refused, which is what keeps other programs of this user out.
        return assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
    let (practice, bound) = (Practice::start(&[]).unwrap(), Practice::start(&["--dpop", "nonce"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    world.sign_in("bound", bound.mcp_url()).unwrap();
    world.add("pending", bound.mcp_url()).unwrap();
    world.begin_sign_in("pending").unwrap();
    let rotated = secrets_of(&world, "practice");
    // These connections stay open, and what went over them is over.
    let mut wires = [world.programs().unwrap(), Wire::open(&world.admin_socket()).unwrap()];
    let fixed = json!({
        "url": practice.open_mcp_url(), "name": "fixed", "auth": "bearer", "secret": "fixed-secret-Vv8tGm2hQ0jR5xW1",
    });
    wires[1].call("profile.add", &fixed).unwrap();
    for name in ["practice", "fixed"] {
        wires[0].call("token.get", &json!({ "profile": name })).unwrap();
        wires[0].call("header.get", &json!({ "profile": name })).unwrap();
        world.ok(&["token", name]).unwrap();
    }
    for name in ["practice", "bound", "fixed"] {
        world.ok(&["test", name]).unwrap();
    }
    world.ok(&["token", "practice", "--force"]).unwrap();
    let in_force = ["practice", "bound", "pending", "fixed"].map(|name| secrets_of(&world, name)).concat();
    assert_eq!(in_force.len(), 2 + 3 + 1 + 1, "{in_force:?}");
    for secret in &in_force {
        let places = regions_holding(pid, &[secret]).unwrap();
        assert!(!places.is_empty(), "{secret} is in force and isn't found, so nothing would be");
    }
    world.ok(&["lock"]).unwrap();
    let secrets: Vec<&str> = rotated.iter().chain(&in_force).map(String::as_str).collect();
    // Connections to servers end a moment later.
    let emptied = until("empty memory", || Ok(regions_holding(pid, &secrets)?.is_empty().then_some(())));
    emptied.unwrap_or_else(|_| panic!("{:#?}", regions_holding(pid, &secrets).unwrap()));
    world.ok(&["unlock"]).unwrap();
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), in_force[0]);
}

/// How much of this process is in memory, and how much is kept there, in kilobytes.
fn resident_and_locked(pid: u32) -> [u64; 2] {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    ["VmRSS:", "VmLck:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    })
}

#[test]
fn no_page_reaches_the_swap_where_the_system_allows_that_and_all_works_where_it_does_not() {
    // Without the capability a limit holds for root as for anybody.
    let under_a_limit = ["prlimit", "--memlock=1048576:1048576", "setpriv", "--bounding-set=-ipc_lock"];
    // Only root may take itself a capability, or has one.
    let roads =
        if is_root() { &[(&["env"][..], true), (&under_a_limit, false)][..] } else { &[(&under_a_limit[..2], false)] };
    for (prefix, is_locked) in roads {
        let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
        let mut agent = world.program(prefix[0]);
        agent.args(&prefix[1..]).arg(executable("keybearer-agent")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut agent = agent.spawn().unwrap();
        until("the agent", || Ok((world.run(&["agent", "status"])?.code == 0).then_some(()))).unwrap();
        assert_eq!(world.agent_pid(), Some(agent.id()), "{prefix:?}");
        world.sign_in("practice", practice.mcp_url()).unwrap();
        world.ok(&["token", "practice", "--force"]).unwrap();
        let [resident, locked] = resident_and_locked(agent.id());
        assert_eq!((locked >= resident, locked > 0), (*is_locked, *is_locked), "{resident} kB, {locked} kB locked");
        let found = world.json(&["doctor"]).unwrap();
        let memory = found.as_array().unwrap().iter().find(|finding| finding["check"] == "memory").unwrap();
        assert_eq!(memory["found"] == "stays out of the swap", *is_locked, "{memory}");
        world.ok(&["agent", "stop"]).unwrap();
        agent.wait().unwrap();
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}
