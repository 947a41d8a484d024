//! The fault modes, each seen from where a client meets it.

use keybearer_practice::options::Options;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

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
async fn answers_that_say_nothing_have_spent_the_token_as_well() {
    let visitor = Visitor::arrive_with(Options { refresh_grace: 30, ..Options::default() }).await;
    let mut tokens = visitor.sign_in().await;
    let mut renewed = 0;
    for (fault, expect) in [("refresh-500-after", 500), ("refresh-html-after", 200), ("refresh-cuts-json", 200)] {
        visitor.has_faults(&[fault]).await;
        let response = visitor.try_refresh(&tokens).await.expect("an answer");
        assert_eq!(response.status(), expect, "{fault}");
        let body = response.bytes().await.expect("a whole body");
        assert!(!body.windows(3).any(|three| three == b"rt-"), "{fault} tells the next refresh token");
        renewed += 2;
        tokens = again(&visitor, &tokens, renewed).await;
    }
    visitor.has_faults(&["refresh-breaks-answer"]).await;
    let response = visitor.try_refresh(&tokens).await.expect("a head");
    assert_eq!(response.status(), 200);
    let promised = response.content_length();
    let broken = response.bytes().await.expect_err("a body that breaks");
    assert!(broken.is_body() || broken.is_decode(), "{broken}");
    assert!(promised > Some(100), "{promised:?}");
    tokens = again(&visitor, &tokens, renewed + 2).await;
    visitor.control(json!({ "faults": [], "refresh_grace": 0 })).await;
    assert_eq!(visitor.refresh(&tokens).await.0, 200);
    assert_eq!(visitor.tally(0).await["reused"], 0);
}

/// What the same refresh token brings within its grace; so many refreshes were carried out by then.
async fn again(visitor: &Visitor, tokens: &Value, renewed: u64) -> Value {
    visitor.has_faults(&[]).await;
    let (status, tokens) = visitor.refresh(tokens).await;
    assert_eq!((status, visitor.tally(0).await["renewed"].as_u64()), (200, Some(renewed)));
    tokens
}

#[tokio::test]
async fn a_refresh_that_arrives_twice_is_a_reuse_unless_there_is_a_grace() {
    let visitor = Visitor::arrive_with(Options { refresh_grace: 30, ..Options::default() }).await;
    visitor.has_faults(&["refresh-arrives-twice"]).await;
    let tokens = visitor.sign_in().await;
    let (status, tokens) = visitor.refresh(&tokens).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(visitor.tally(0).await["repeated"], 1);
    visitor.control(json!({ "refresh_grace": 0 })).await;
    let (status, refused) = visitor.refresh(&tokens).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(visitor.tally(0).await["reused"], 1);
}

#[tokio::test]
async fn fewer_scopes_than_were_granted() {
    let visitor = Visitor::arrive().await;
    let code = visitor.decide(&[("scope", "mcp:tools mcp:read")], true, "ada").await.remove("code");
    let (_, tokens) = visitor.exchange(&code.expect("the person allowed"), VERIFIER).await;
    assert_eq!(tokens["scope"], "mcp:tools mcp:read");
    visitor.has_faults(&["refresh-narrows-scope"]).await;
    assert_eq!(visitor.refresh(&tokens).await.1["scope"], "mcp:tools");
}

#[tokio::test]
async fn a_distance_holds_up_the_request_and_its_answer() {
    let visitor = Visitor::arrive().await;
    let tokens = visitor.sign_in().await;
    visitor.control(json!({ "distance_ms": 200 })).await;
    let began = Instant::now();
    let asked = visitor.refresh(&tokens);
    let arrived = async {
        while visitor.counted("answers_under_way").await == 0 {
            tokio::task::yield_now().await;
        }
        began.elapsed()
    };
    let ((status, _), arrived) = tokio::join!(asked, arrived);
    let answered = began.elapsed();
    assert_eq!((status, visitor.counted("answers_under_way").await), (200, 0));
    assert!(
        arrived >= Duration::from_millis(200) && answered >= Duration::from_millis(400),
        "{arrived:?} {answered:?}"
    );
}

#[tokio::test]
async fn each_grant_has_a_tally_of_its_own() {
    let visitor = Visitor::arrive().await;
    let (one, other) = (visitor.sign_in().await, visitor.sign_in().await);
    let gate = visitor.at.endpoint("/gate");
    let pass = async |tokens: &Value| {
        let token = tokens["access_token"].as_str().unwrap_or_default();
        visitor.http.get(&gate).bearer_auth(token).send().await.expect("the server answers").status().as_u16()
    };
    assert_eq!((pass(&one).await, pass(&one).await), (204, 204));
    let next = visitor.refresh(&one).await.1;
    visitor.control(json!({ "expire_all": true })).await;
    assert_eq!(pass(&next).await, 401);
    visitor.control(json!({ "revoke": 1 })).await;
    assert_eq!((visitor.refresh(&other).await.0, visitor.refresh(&next).await.0), (400, 200));
    let (one, other) = (visitor.tally(0).await, visitor.tally(1).await);
    let number = |tally: &Value, name: &str| tally[name].as_u64();
    let all = ["issued", "expired", "used", "accepted", "rejected", "refreshes", "renewed", "repeated", "reused"];
    assert_eq!(all.map(|name| number(&one, name)), [3, 2, 1, 2, 1, 2, 2, 0, 0].map(Some));
    assert_eq!(all.map(|name| number(&other, name)), [1, 1, 0, 0, 0, 1, 0, 0, 0].map(Some));
    assert_eq!((one["revoked"].as_bool(), other["revoked"].as_bool()), (Some(false), Some(true)));
    assert!(one["youngest_replaced"].is_u64() && other["youngest_replaced"].is_null());
    assert_eq!(one["client_id"], visitor.client_id);
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
