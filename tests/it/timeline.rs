//! The last day of an account's tokens, as the window draws it.

use keybearer_core::activity::Activity;
use keybearer_core::changes::Changes;
use keybearer_core::clock::now;
use keybearer_core::home::Home;
use keybearer_protocol::activity::{ActivityEntry, ActivityKind};
use keybearer_tests::practice::Practice;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn timeline(world: &World, profile: &str) -> Value {
    let asked = json!({ "method": "account.timeline", "params": { "profile": profile } });
    world.json(&["rpc", "--admin", &asked.to_string()]).unwrap()
}

#[test]
fn it_tells_of_tokens_of_failures_of_sleep_and_of_what_comes_next() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--token-lifetime", "3600"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    world.sign_in("other", practice.mcp_url()).unwrap();
    let account = |name: &str| world.json(&["show", name]).unwrap()["id"].as_str().unwrap().to_owned();
    let (mine, other) = (account("practice"), account("other"));
    world.ok(&["agent", "stop"]).unwrap();
    // What an agent wrote down yesterday.
    let began = now();
    let row = |kind, hours_ago: u32, id: &str| ActivityEntry {
        account: Some(id.to_owned()),
        expires_at: Some(began - HOUR * hours_ago + HOUR),
        ..ActivityEntry::new(kind, began - HOUR * hours_ago)
    };
    let slept =
        ActivityEntry { until: Some(began - 6 * HOUR), ..ActivityEntry::new(ActivityKind::Slept, began - 9 * HOUR) };
    let home = Home::open(Some(&world.home)).unwrap();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let record = Activity::start(&home, Changes::default());
        record.add(row(ActivityKind::TokenRefreshed, 23, &mine));
        record.add(row(ActivityKind::TokenRefreshed, 22, &other));
        record.add(row(ActivityKind::RefreshFailed, 20, &mine));
        record.add(slept);
        record.close().await;
    });
    // A program that uses it makes it worth renewing ahead of its end.
    world.ok(&["token", "practice"]).unwrap();
    let timeline = timeline(&world, "practice");
    let shown = world.json(&["show", "practice"]).unwrap();
    let valid = timeline["valid"].as_array().unwrap();
    assert_eq!(valid.len(), 2, "{timeline}");
    assert_eq!(valid[0], json!({ "from": began - 23 * HOUR, "until": began - 22 * HOUR }));
    assert_eq!(valid[1]["until"], shown["expires_at"], "{timeline}");
    assert_eq!(timeline["retried"], json!([began - 20 * HOUR]));
    assert_eq!(timeline["asleep"], json!([{ "from": began - 9 * HOUR, "until": began - 6 * HOUR }]));
    assert_eq!(timeline["next"]["from"], shown["renews_at"], "{timeline}");
    // Each renewal is a span of its own, and so is what follows a sign-out none.
    world.ok(&["token", "practice", "--force"]).unwrap();
    assert_eq!(self::timeline(&world, "practice")["valid"].as_array().unwrap().len(), 3);
    world.ok(&["sign-out", "practice"]).unwrap();
    let signed_out = self::timeline(&world, "practice");
    let ended = signed_out["valid"][2]["until"].as_str().unwrap().to_owned();
    assert!(ended <= now().to_string() && signed_out["next"].is_null(), "{signed_out}");
}
