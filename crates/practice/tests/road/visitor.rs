//! A client of the practice server, as small as a client can be, and the server it visits.

use std::collections::HashMap;

use keybearer_practice::{
    addresses::Addresses,
    authorization_code::s256,
    browse::{Carried, Person, browse},
    options::Options,
    server,
};
use reqwest::{Client, Response, header, redirect::Policy};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

pub(crate) const REDIRECT: &str = "com.example.app:/callback";
pub(crate) const VERIFIER: &str = "a-verifier-of-at-least-forty-three-letters-x";

/// One server of its own, and a client registered with it.
pub(crate) struct Visitor {
    pub(crate) at: Addresses,
    pub(crate) http: Client,
    pub(crate) client_id: String,
}

impl Visitor {
    pub(crate) async fn arrive() -> Self {
        Self::arrive_with(Options::default()).await
    }

    pub(crate) async fn arrive_with(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let at = Addresses::on(listener.local_addr().expect("a bound listener has an address").port());
        tokio::spawn(server::serve(listener, options));
        let http = Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client can be built");
        let mut visitor = Self { at, http, client_id: String::new() };
        let metadata = json!({
            "client_name": "Visitor",
            "redirect_uris": [REDIRECT, "http://127.0.0.1/plain"],
            "application_type": "native",
            "token_endpoint_auth_method": "none",
        });
        // Where a fault refuses it, the test is about that.
        if let Some(client_id) = visitor.register(&metadata).await.1["client_id"].as_str() {
            visitor.client_id = client_id.to_owned();
        }
        visitor
    }

    pub(crate) async fn register(&self, metadata: &Value) -> (u16, Value) {
        let request = self.http.post(self.at.endpoint("/register")).json(metadata);
        let response = request.send().await.expect("the server answers");
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// The address of the consent page; `changes` replace parameters of a good request.
    pub(crate) fn consent_page(&self, changes: &[(&str, &str)]) -> String {
        let mut parameters = HashMap::from([
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", REDIRECT),
            ("state", "a state"),
            ("scope", "mcp:tools"),
            ("code_challenge_method", "S256"),
            ("resource", &self.at.mcp_url),
        ]);
        let challenge = s256(VERIFIER);
        parameters.insert("code_challenge", &challenge);
        parameters.extend(changes.iter().copied());
        Url::parse_with_params(&self.at.endpoint("/authorize"), parameters).expect("a good address").into()
    }

    /// What the app receives through its scheme after the person decided.
    pub(crate) async fn decide(
        &self,
        changes: &[(&str, &str)],
        allows: bool,
        account: &str,
    ) -> HashMap<String, String> {
        let person = Person { allows, account: account.to_owned(), reaches_client: true };
        let carried = browse(&self.consent_page(changes), &person).await.expect("the page leads on");
        let Carried::ForApp(location) = carried else { panic!("the redirect URI has a scheme of its own") };
        let (target, query) = location.split_once('?').expect("an answer is in the query");
        assert_eq!(target, REDIRECT);
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    pub(crate) async fn code(&self) -> String {
        self.decide(&[], true, "ada").await.remove("code").expect("the person allowed")
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> reqwest::Result<Response> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let form = "application/x-www-form-urlencoded";
        self.http.post(self.at.endpoint(path)).header(header::CONTENT_TYPE, form).body(body).send().await
    }

    pub(crate) async fn exchange(&self, code: &str, verifier: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", &self.client_id),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
            ("resource", &self.at.mcp_url),
        ];
        answer(self.post("/token", &form).await.expect("the server answers")).await
    }

    pub(crate) async fn refresh(&self, tokens: &Value) -> (u16, Value) {
        answer(self.try_refresh(tokens).await.expect("the server answers")).await
    }

    pub(crate) async fn try_refresh(&self, tokens: &Value) -> reqwest::Result<Response> {
        let refresh_token = tokens["refresh_token"].as_str().unwrap_or_default();
        let form = [("grant_type", "refresh_token"), ("client_id", &self.client_id), ("refresh_token", refresh_token)];
        self.post("/token", &form).await
    }

    pub(crate) async fn sign_in(&self) -> Value {
        let (status, tokens) = self.exchange(&self.code().await, VERIFIER).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// What the MCP endpoint answers to the first request of a session.
    pub(crate) async fn initialize(&self, url: &str, tokens: &Value) -> Response {
        let params = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "visitor", "version": "1" },
        });
        self.mcp(url, tokens, None, &json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }))
            .await
    }

    /// Calls one tool in a session of its own and gives back what it said.
    pub(crate) async fn call(&self, url: &str, tokens: &Value, tool: &str, arguments: Value) -> String {
        let opened = self.initialize(url, tokens).await;
        assert_eq!(opened.status(), 200);
        let session = opened.headers().get("mcp-session-id").cloned();
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        self.mcp(url, tokens, session.clone(), &initialized).await;
        let params = json!({ "name": tool, "arguments": arguments });
        let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params });
        let events = self.mcp(url, tokens, session, &call).await.text().await.expect("the stream ends");
        let result = events.lines().filter_map(|line| line.strip_prefix("data: {")).next_back().expect("a result");
        let result: Value = serde_json::from_str(&format!("{{{result}")).expect("JSON");
        result["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned()
    }

    async fn mcp(&self, url: &str, tokens: &Value, session: Option<header::HeaderValue>, message: &Value) -> Response {
        let mut request = self.http.post(url).header("accept", "application/json, text/event-stream").json(message);
        if let Some(access_token) = tokens["access_token"].as_str() {
            request = request.bearer_auth(access_token);
        }
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        request.send().await.expect("the server answers")
    }

    pub(crate) async fn get(&self, address: &str) -> Value {
        let response = self.http.get(address).send().await.expect("the server answers");
        response.json().await.unwrap_or(Value::Null)
    }

    pub(crate) async fn control(&self, change: Value) {
        let response = self.http.post(&self.at.control_url).json(&change).send().await.expect("the server answers");
        assert_eq!(response.status(), 200);
    }

    pub(crate) async fn has_faults(&self, faults: &[&str]) {
        self.control(json!({ "faults": faults })).await;
    }

    /// What became of the grant of this number.
    pub(crate) async fn tally(&self, number: usize) -> Value {
        self.get(&self.at.endpoint("/control/grants")).await[number].clone()
    }

    pub(crate) async fn counted(&self, name: &str) -> u64 {
        self.get(&self.at.control_url).await[name].as_u64().expect("a counter of this name")
    }
}

async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}
