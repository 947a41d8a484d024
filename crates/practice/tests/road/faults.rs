//! The fault modes, each seen from where a client meets it.

use keybearer_practice::options::Options;
use serde_json::{Value, json};

use crate::visitor::{REDIRECT, VERIFIER, Visitor};

#[tokio::test]
async fn faults_of_refreshing() {
    let visitor = Visitor::arrive().await;
    let tokens = visitor.sign_in().await;
    let check = async |fault: &str, expect: u16| {
        visitor.has_faults(&[fault]).await;
        let (status, answer) = visitor.refresh(&tokens).await;
        assert_eq!(status, expect, "{fault}");
        answer
    };
    check("refresh-500", 500).await;
    assert_eq!(check("refresh-invalid-grant", 400).await["error"], "invalid_grant");
    assert_eq!(check("token-html", 200).await, Value::Null);
    assert_eq!(check("refresh-omits-refresh-token", 200).await["refresh_token"], Value::Null);
    assert_eq!(check("refresh-keeps-refresh-token", 200).await["refresh_token"], tokens["refresh_token"]);
    visitor.has_faults(&["expires-in-string", "refresh-keeps-refresh-token"]).await;
    assert_eq!(visitor.refresh(&tokens).await.1["expires_in"], "3600");
    assert_eq!(check("no-expires-in", 200).await["expires_in"], Value::Null);
}

#[tokio::test]
async fn a_dropped_answer_has_spent_the_token() {
    let visitor = Visitor::arrive().await;
    let tokens = visitor.sign_in().await;
    visitor.has_faults(&["refresh-drops-answer"]).await;
    assert!(visitor.try_refresh(&tokens).await.is_err());
    assert_eq!(visitor.counted("refreshes_ok").await, 1);
    visitor.control(json!({ "faults": [], "refresh_grace": 30 })).await;
    assert_eq!(visitor.refresh(&tokens).await.0, 200, "within the grace it is accepted once more");
    visitor.control(json!({ "refresh_grace": 0 })).await;
    assert_eq!(visitor.refresh(&tokens).await.0, 400);
    assert_eq!(visitor.counted("reuse_detected").await, 1);
}

#[tokio::test]
async fn faults_of_metadata() {
    let visitor = Visitor::arrive().await;
    let issuer_url = visitor.at.endpoint("/.well-known/oauth-authorization-server");
    visitor.has_faults(&["resource-mismatch"]).await;
    assert_eq!(visitor.get(&visitor.at.resource_metadata_url()).await["resource"], "https://evil.example/mcp");
    visitor.has_faults(&["metadata-wrong-issuer", "no-pkce-metadata", "no-registration"]).await;
    let metadata = visitor.get(&issuer_url).await;
    assert_eq!(metadata["issuer"], "https://evil.example");
    assert_eq!(metadata["code_challenge_methods_supported"], Value::Null);
    assert_eq!(metadata["registration_endpoint"], Value::Null);
    assert_eq!(visitor.register(&json!({})).await.0, 404);

    visitor.has_faults(&["metadata-huge"]).await;
    let huge = visitor.http.get(visitor.at.resource_metadata_url()).send().await.expect("the server answers");
    assert!(huge.bytes().await.expect("the whole body").len() > 50_000_000);
}

#[tokio::test]
async fn faults_of_registration_and_redirects() {
    let visitor = Visitor::arrive().await;
    let check = async |fault: &[&str], metadata: Value, expect: &str| {
        visitor.has_faults(fault).await;
        let (status, answer) = visitor.register(&metadata).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some(expect)), "{metadata}");
    };
    check(&["refuse-private-use-scheme"], json!({ "redirect_uris": [REDIRECT] }), "invalid_redirect_uri").await;
    check(&["require-native"], json!({ "redirect_uris": [REDIRECT] }), "invalid_client_metadata").await;
    check(&[], json!({ "redirect_uris": ["https://app.example/cb"] }), "invalid_redirect_uri").await;
    check(&[], json!({ "redirect_uris": [] }), "invalid_redirect_uri").await;
    let unknown_method = json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "private_key_jwt" });
    check(&[], unknown_method, "invalid_client_metadata").await;

    let other_port = visitor.consent_page(&[("redirect_uri", "http://127.0.0.1:1/plain")]);
    let status = async || visitor.http.get(&other_port).send().await.expect("the server answers").status();
    assert_eq!(status().await, 200);
    visitor.has_faults(&["exact-port"]).await;
    assert_eq!(status().await, 400);

    visitor.has_faults(&["wrong-iss"]).await;
    assert_eq!(visitor.decide(&[], true, "ada").await["iss"], "https://evil.example");
    visitor.has_faults(&["missing-iss"]).await;
    assert!(!visitor.decide(&[], true, "ada").await.contains_key("iss"));
}

#[tokio::test]
async fn faults_of_the_mcp_endpoint_and_sudden_ends() {
    let visitor = Visitor::arrive_with(Options { plant_token: "canary".to_owned(), ..Options::default() }).await;
    let mut tokens = visitor.sign_in().await;
    assert!(tokens["access_token"].as_str().is_some_and(|token| token.starts_with("canary-at-")));
    assert!(tokens["refresh_token"].as_str().is_some_and(|token| token.starts_with("canary-rt-")));
    let status = async |tokens: &Value| visitor.initialize(&visitor.at.mcp_url, tokens).await.status().as_u16();
    assert_eq!(status(&tokens).await, 200);
    visitor.has_faults(&["busy"]).await;
    assert_eq!(status(&tokens).await, 503);
    visitor.has_faults(&["reject-tokens"]).await;
    assert_eq!(status(&tokens).await, 401);

    visitor.control(json!({ "faults": [], "expire_all": true, "token_lifetime": 7 })).await;
    assert_eq!(status(&tokens).await, 401);
    tokens = visitor.refresh(&tokens).await.1;
    assert_eq!(tokens["expires_in"], 7);
    assert_eq!(status(&tokens).await, 200);
    visitor.control(json!({ "revoke_all": true })).await;
    assert_eq!(status(&tokens).await, 401);
    assert_eq!(visitor.refresh(&tokens).await.0, 400);
    let code = visitor.code().await;
    assert!(code.starts_with("canary-code-"));
    assert_eq!(visitor.exchange(&code, VERIFIER).await.0, 200, "a new grant is not revoked");
}
