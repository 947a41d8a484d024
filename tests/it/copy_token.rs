//! The token that a person copies: it goes to the desktop that asks people, and to nobody else.

use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::world::World;
use serde_json::{Value, json};

fn rows(world: &World, kind: &str) -> Vec<Value> {
    let asked = json!({ "method": "activity.list", "params": { "filter": { "kinds": [kind] } } });
    world.json(&["rpc", "--admin", &asked.to_string()]).unwrap()["rows"].as_array().unwrap().clone()
}

#[test]
fn the_desktop_alone_gets_the_token_that_is_copied_and_a_row_tells_of_it() {
    let (world, practice) =
        (World::with_desktop().unwrap(), Practice::start(&["--plant-token", "canary-copied"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    // Also where no desktop ever was: whoever is no window has `keybearer token`.
    let copy = json!({ "method": "account.copy_token", "params": { "profile": "practice" } });
    let refused = world.run(&["rpc", "--admin", &copy.to_string()]).unwrap();
    assert_eq!((refused.code, refused.out.as_str()), (34, ""));
    let given = world.ok(&["token", "practice"]).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let copied = prompter.0.ok("account.copy_token", &json!({ "profile": "practice" })).unwrap();
    assert_eq!(copied, json!({ "access_token": given }));
    let refused = world.run(&["rpc", "--admin", &copy.to_string()]).unwrap();
    assert_eq!((refused.code, refused.out.as_str()), (34, ""));
    let wrong_door = world.programs().unwrap().call("account.copy_token", &json!({ "profile": "practice" })).unwrap();
    assert_eq!(wrong_door["error"]["data"]["name"], "method_not_found", "{wrong_door}");
    let row = rows(&world, "token_copied");
    assert_eq!((row.len(), &row[0]["profile"]), (1, &json!("practice")), "{row:?}");
    assert_eq!(row[0]["caller"]["program"]["name"], "keybearer-desktop", "{row:?}");
    assert_eq!(rows(&world, "refused")[0]["error"], "desktop_only");
    assert!(!world.ok(&["activity", "--json"]).unwrap().contains("canary-copied"));
    assert!(!world.log().contains("canary-copied"));
    // A pause is one for the person too.
    world.ok(&["pause"]).unwrap();
    let paused = prompter.0.call("account.copy_token", &json!({ "profile": "practice" })).unwrap();
    assert_eq!(paused["error"]["data"]["name"], "paused", "{paused}");
}
