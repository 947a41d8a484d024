//! The road a client walks, through HTTP, at a real practice server: discovery, registration, consent, tokens, tools.

#![forbid(unsafe_code)]

use std::net::SocketAddr;

use axum::{Router, http::header, routing::get};
use keybearer_practice::browse::{BrowseError, Carried, Person, browse};
use serde_json::{Value, json};
use url::Url;

use crate::visitor::{REDIRECT, VERIFIER, Visitor};

mod faults;
mod visitor;

#[tokio::test]
async fn the_whole_road() {
    let visitor = Visitor::arrive().await;
    let refused = visitor.initialize(&visitor.at.mcp_url, &Value::Null).await;
    assert_eq!(refused.status(), 401);
    let challenge = refused.headers()[header::WWW_AUTHENTICATE].to_str().expect("ASCII").to_owned();
    let metadata_url = visitor.at.resource_metadata_url();
    assert_eq!(challenge, format!(r#"Bearer resource_metadata="{metadata_url}", scope="mcp:tools""#));

    for elsewhere in ["/.well-known/oauth-protected-resource", "/.well-known/openid-configuration"] {
        let response = visitor.http.get(visitor.at.endpoint(elsewhere)).send().await.expect("the server answers");
        assert_eq!(response.status(), 404, "{elsewhere}");
    }
    let resource = visitor.get(&metadata_url).await;
    assert_eq!(resource["resource"], visitor.at.mcp_url);
    assert_eq!(resource["authorization_servers"], json!([visitor.at.issuer]));
    let issuer = visitor.get(&visitor.at.endpoint("/.well-known/oauth-authorization-server")).await;
    assert_eq!(issuer["issuer"], visitor.at.issuer);
    assert_eq!(issuer["token_endpoint"], visitor.at.endpoint("/token"));

    let response = visitor.decide(&[("scope", "mcp:tools mcp:read")], true, "grace").await;
    assert_eq!((response["state"].as_str(), &response["iss"]), ("a state", &visitor.at.issuer));
    let (status, tokens) = visitor.exchange(&response["code"], VERIFIER).await;
    assert_eq!(status, 200);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));

    let mcp = &visitor.at.mcp_url;
    let caller = visitor.call(mcp, &tokens, "whoami", json!({})).await;
    assert_eq!(caller, r#"{"account":"grace","scopes":["mcp:tools","mcp:read"]}"#);
    assert_eq!(visitor.call(mcp, &tokens, "add", json!({ "a": 1, "b": 2.5 })).await, "3.5");
    assert_eq!(visitor.call(mcp, &tokens, "echo", json!({ "text": "<hello>" })).await, "<hello>");
    assert_eq!(visitor.call(mcp, &tokens, "count", json!({})).await, "1");
    assert_eq!(visitor.call(mcp, &tokens, "count", json!({})).await, "2");

    let open = visitor.call(&visitor.at.open_mcp_url, &Value::Null, "whoami", json!({})).await;
    assert_eq!(open, r#"{"account":null,"scopes":[]}"#);
    let counters = visitor.get(&visitor.at.control_url).await;
    assert_eq!((&counters["registrations"], &counters["code_exchanges"]), (&json!(1), &json!(1)));
    assert_eq!((&counters["mcp_without_token"], &counters["mcp_accepted"]), (&json!(1), &json!(15)));
}

#[tokio::test]
async fn refresh_tokens_rotate_and_reuse_revokes_the_grant() {
    let visitor = Visitor::arrive().await;
    let first = visitor.sign_in().await;
    let (status, second) = visitor.refresh(&first).await;
    assert_eq!(status, 200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(visitor.initialize(&visitor.at.mcp_url, &second).await.status(), 200);

    let (status, refused) = visitor.refresh(&first).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    let (status, _) = visitor.refresh(&second).await;
    assert_eq!(status, 400);
    let challenged = visitor.initialize(&visitor.at.mcp_url, &second).await;
    assert_eq!(challenged.status(), 401);
    let challenge = challenged.headers()[header::WWW_AUTHENTICATE].to_str().expect("ASCII");
    assert!(challenge.starts_with(r#"Bearer error="invalid_token", resource_metadata="#), "{challenge}");
    assert_eq!(visitor.counted("refreshes").await, 3);
    assert_eq!(visitor.counted("refreshes_ok").await, 1);
    assert_eq!(visitor.counted("reuse_detected").await, 1);
    assert_eq!(visitor.counted("mcp_rejected").await, 1);
}

#[tokio::test]
async fn a_code_needs_its_verifier_and_works_once() {
    let visitor = Visitor::arrive().await;
    let code = visitor.code().await;
    let (status, refused) = visitor.exchange(&code, "not-the-verifier-that-was-hashed-for-this-code").await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    let (status, tokens) = visitor.exchange(&code, VERIFIER).await;
    assert_eq!(status, 200);
    let (status, _) = visitor.exchange(&code, VERIFIER).await;
    assert_eq!(status, 400);
    assert_eq!(visitor.initialize(&visitor.at.mcp_url, &tokens).await.status(), 401);
}

#[tokio::test]
async fn refusals_go_to_the_client_once_it_is_known() {
    let visitor = Visitor::arrive().await;
    let check = async |change, error: &str| {
        let response = visitor.decide(&[change], true, "ada").await;
        assert_eq!((response["error"].as_str(), response["state"].as_str()), (error, "a state"));
        assert_eq!(response["iss"], visitor.at.issuer);
    };
    check(("resource", "https://evil.example/mcp"), "invalid_target").await;
    check(("resource", ""), "invalid_target").await;
    check(("scope", "mcp:admin"), "invalid_scope").await;
    check(("response_type", "token"), "unsupported_response_type").await;
    check(("code_challenge_method", "plain"), "invalid_request").await;
    assert_eq!(visitor.decide(&[], false, "ada").await["error"], "access_denied");

    let only_for_the_person = async |change| {
        let page = visitor.http.get(visitor.consent_page(&[change])).send().await.expect("the server answers");
        assert_eq!(page.status(), 400);
        assert!(page.headers().get(header::LOCATION).is_none());
    };
    only_for_the_person(("redirect_uri", "com.example.app:/elsewhere")).await;
    only_for_the_person(("redirect_uri", "https://evil.example/callback")).await;
    only_for_the_person(("client_id", "unknown")).await;
}

#[tokio::test]
async fn revoking_the_refresh_token_revokes_the_grant() {
    let visitor = Visitor::arrive().await;
    let tokens = visitor.sign_in().await;
    for token in ["unknown", tokens["refresh_token"].as_str().expect("a token")] {
        let form = [("client_id", visitor.client_id.as_str()), ("token", token)];
        assert_eq!(visitor.post("/revoke", &form).await.expect("the server answers").status(), 200);
    }
    assert_eq!(visitor.initialize(&visitor.at.mcp_url, &tokens).await.status(), 401);
    assert_eq!(visitor.refresh(&tokens).await.0, 400);
    assert_eq!(visitor.counted("revocations").await, 2);
}

#[tokio::test]
async fn a_client_with_a_secret_must_use_it_as_registered() {
    let mut visitor = Visitor::arrive().await;
    let (status, registered) = visitor.register(&json!({ "redirect_uris": [REDIRECT], "client_name": "Secret" })).await;
    assert_eq!((status, &registered["token_endpoint_auth_method"]), (201, &json!("client_secret_basic")));
    assert_eq!(registered["client_secret_expires_at"], 0);
    visitor.client_id = registered["client_id"].as_str().expect("an id").to_owned();
    let code = visitor.code().await;
    let (status, refused) = visitor.exchange(&code, VERIFIER).await;
    assert_eq!((status, &refused["error"]), (401, &json!("invalid_client")));

    let body = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(body).finish();
    let request = visitor
        .http
        .post(visitor.at.endpoint("/token"))
        .basic_auth(&visitor.client_id, registered["client_secret"].as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body);
    assert_eq!(request.send().await.expect("the server answers").status(), 200);
}

#[tokio::test]
async fn a_client_id_can_be_the_address_of_a_document() {
    let mut visitor = Visitor::arrive().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let at: SocketAddr = listener.local_addr().expect("a bound listener has an address");
    let client_id = format!("http://{at}/client.json");
    let document = json!({ "client_id": client_id, "client_name": "By address", "redirect_uris": [REDIRECT] });
    let other = json!({ "client_id": "https://app.example/client.json", "redirect_uris": [REDIRECT] });
    let router = Router::new()
        .route("/client.json", get(async move || document.to_string()))
        .route("/other.json", get(async move || other.to_string()))
        .route("/long.json", get(async || "x".repeat(6000)));
    tokio::spawn(async move { axum::serve(listener, router).await });

    visitor.client_id = client_id;
    visitor.sign_in().await;
    for name in ["other.json", "long.json", "missing.json"] {
        let client_id = format!("http://{at}/{name}");
        let page = visitor.consent_page(&[("client_id", &client_id)]);
        assert_eq!(visitor.http.get(page).send().await.expect("the server answers").status(), 400, "{name}");
    }
}

#[tokio::test]
async fn the_stand_in_delivers_to_loopback_and_opens_nothing_else() {
    let visitor = Visitor::arrive().await;
    let person = Person { allows: true, account: "ada".to_owned(), reaches_client: true };
    // The page at `/plain` plays the app that listens: its port differs from the registered one.
    let app = visitor.at.endpoint("/plain");
    let page = visitor.consent_page(&[("redirect_uri", &app)]);
    assert_eq!(browse(&page, &person).await.ok(), Some(Carried::Delivered));
    for address in ["https://127.0.0.1/authorize", "http://localhost/", "http://example.com/", "file:///etc/passwd"] {
        assert!(matches!(browse(address, &person).await, Err(BrowseError::NotPractice)), "{address}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_reach_neither_control_nor_tools() {
    let visitor = Visitor::arrive().await;
    let check = async |address: &str, name: &str, value: &str| {
        let request = visitor.http.get(address).header(name, value);
        assert_eq!(request.send().await.expect("the server answers").status(), 403, "{address} {value}");
    };
    check(&visitor.at.control_url, "origin", "http://evil.example").await;
    check(&visitor.at.control_url, "origin", "null").await;
    check(&visitor.at.open_mcp_url, "origin", "http://evil.example").await;
    check(&visitor.at.open_mcp_url, "host", "evil.example").await;
    check(&visitor.at.issuer, "host", "evil.example").await;
    assert!(Url::parse(&visitor.at.mcp_url).is_ok_and(|url| url.host_str() == Some("127.0.0.1")));
}
