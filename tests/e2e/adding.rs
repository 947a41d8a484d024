//! Adding servers that don't let apps register by themselves.

use crate::screens::Window;
use crate::stage::Stage;
use anyhow::Context;
use keybearer_tests::loopback::request;
use keybearer_tests::practice::Practice;
use serde_json::{Value, json};

/// Registers a client by hand, as somebody does once for everybody in a company.
fn register(practice: &Practice) -> anyhow::Result<String> {
    let client = json!({
        "client_name": "by hand",
        "redirect_uris": ["http://127.0.0.1:47821/callback", "app.keybearer:/oauth/callback"],
        "token_endpoint_auth_method": "none",
    });
    let answer = request("POST", &format!("{}/register", practice.issuer()), Some(&client.to_string()))?;
    let registered: Value = serde_json::from_str(&answer.body).with_context(|| answer.body.clone())?;
    Ok(registered["client_id"].as_str().with_context(|| answer.body)?.to_owned())
}

#[test]
fn a_server_without_registration_is_signed_in_to_with_a_client_id_that_somebody_got_there() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let client = register(&practice).unwrap();
    practice.control(&json!({ "faults": ["no-registration"] })).unwrap();
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.add(practice.mcp_url()).unwrap();
    window.says("Redirect addresses for the new app").unwrap();
    window.go_on_with_client(&client).unwrap();
    let address = stage.browser.wait_for(1).unwrap();
    assert!(address.contains(&client), "another client signs in");
    window.waits_for_browser().unwrap();
    window.paste_callback(&stage.browser.consent(&address).unwrap()).unwrap();
    let name = stage.only_account().unwrap();
    window.is_ready(&name).unwrap();
    let account = stage.connected(&name).unwrap();
    assert_eq!(
        (&account["client_id"], &account["registration"]),
        (&json!(client), &json!("pre_registered")),
        "{account}"
    );
}

#[test]
fn a_token_from_a_settings_page_is_saved_only_in_the_keyring_and_proven_by_a_call() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.add_with_token(practice.mcp_url(), "by-key", "not-good-here").unwrap();
    // The server takes no such token, and the window doesn't say that all is well.
    window.edit_address().unwrap();
    assert_eq!(stage.world.json(&["list"]).unwrap(), json!([]), "what failed stays behind");
    page.write("Server address", practice.open_mcp_url()).unwrap();
    window.type_token("good-enough").unwrap();
    window.is_ready("by-key").unwrap();
    window.show("by-key").unwrap();
    window.lists("by-key", "key doesn’t expire").unwrap();
    assert_eq!(stage.connected("by-key").unwrap()["auth"], "bearer");
}
