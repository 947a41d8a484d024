//! The authorization request and its answer: PKCE, `state`, `resource`, `iss`. Only this file sees a code.

use crate::asked::Asked;
use crate::challenge::bounded;
use crate::extra_parameters::ExtraParameters;
use crate::http::{Http, HttpError};
use crate::readable::readable;
use crate::registration::Registration;
use crate::secret::expose;
use crate::server_metadata::ServerMetadata;
use crate::server_url::{is_protected, without_query};
use oauth2::{CsrfToken, PkceCodeChallenge};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;
use url::{Url, form_urlencoded};

/// What is asked of the user at the authorization server.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Where the browser comes back to; one that the registration lists (`AUTHZ-16`).
    pub redirect_uri: String,
    /// The protected resource, byte for byte as published (RFC 8707, `AUTHZ-4..6`).
    pub resource: String,
    /// Whether to keep quiet about the resource, for servers that can't bear it. Nothing else changes: the tokens are for
    /// this resource all the same.
    pub omit_resource: bool,
    /// The scopes; none leaves the parameter out (`AUTHZ-9`).
    pub scopes: Vec<String>,
    /// The thumbprint of the key that the code is bound to, if it is (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
    /// What the user adds.
    pub parameters: ExtraParameters,
}

/// What the authorization server is asked, before it is known how it gets there. It holds the `state`, so nobody prints it.
#[derive(Clone)]
pub struct AuthorizationRequest {
    endpoint: Url,
    parameters: Vec<(String, String)>,
}

/// An authorization request that waits for its answer. A caller keeps it in a vault until then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingAuthorization {
    /// What is asked for, recorded before the browser opens (`AUTHZ-15`).
    #[serde(flatten)]
    pub asked: Asked,
    /// Whether the authorization server promised to name itself in the answer (`RESP-1`, `RESP-2`).
    pub iss_promised: bool,
    /// The one value that the answer must bring back (`AUTHZ-8`).
    #[serde(serialize_with = "expose")]
    pub state: SecretString,
    /// The PKCE code verifier (RFC 7636 §4.1).
    #[serde(serialize_with = "expose")]
    pub code_verifier: SecretString,
    /// Sent again with the code (RFC 6749 §4.1.3).
    pub redirect_uri: String,
}

/// Why no request can be made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RequestError {
    /// Nobody signs in there but clients for themselves.
    #[error("{0} has no page where a person signs in")]
    NoPage(String),
    /// Without PKCE a stolen code is worth a token (`AUTHZ-3`).
    #[error("{0} doesn't offer PKCE with S256, without which a sign-in could be stolen, so Keybearer stopped")]
    NoPkce(String),
    /// An endpoint or redirect address that can't be used.
    #[error("{0} can't be used in a sign-in")]
    BadAddress(String),
    /// Only https addresses are opened in a browser, and loopback ones for a server on this machine (`URL-1`).
    #[error("{0} is not an https address, so it is not opened in a browser")]
    NotAllowed(Url),
    /// The page in the browser may lie no nearer than the server, like every other address that it names (`SSRF-3`).
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// Makes the request, and what must be kept until its answer comes.
pub fn request(
    server: &ServerMetadata,
    registration: &Registration,
    wish: Wish,
) -> Result<(AuthorizationRequest, PendingAuthorization), RequestError> {
    let endpoint = offered_page(server)?;
    Url::parse(&wish.redirect_uri).map_err(|_| RequestError::BadAddress(wish.redirect_uri.clone()))?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let state = CsrfToken::new_random().into_secret();
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", &registration.client_id),
        ("state", &state),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", challenge.method().as_str()),
        ("redirect_uri", &wish.redirect_uri),
    ];
    let scope = wish.scopes.join(" ");
    parameters.extend((!wish.omit_resource).then_some(("resource", wish.resource.as_str())));
    parameters.extend((!scope.is_empty()).then_some(("scope", scope.as_str())));
    // OpenID Connect Core §11: without the user's explicit consent the server ignores offline_access (AUTHZ-14). Whoever
    // asks for another prompt knows better, and two of them are refused.
    let is_offline = wish.scopes.iter().any(|scope| scope == OFFLINE_ACCESS);
    let is_prompted = wish.parameters.has("prompt") || endpoint.query_pairs().any(|(name, _)| name == "prompt");
    parameters.extend((is_offline && !is_prompted).then_some(("prompt", "consent")));
    parameters.extend(wish.dpop_jkt.as_deref().map(|thumbprint| ("dpop_jkt", thumbprint)));
    parameters.extend(wish.parameters.iter());
    let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let request = AuthorizationRequest { endpoint: endpoint.clone(), parameters };
    let pending = PendingAuthorization {
        asked: Asked {
            issuer: server.issuer.clone(),
            registration: registration.clone(),
            resource: wish.resource,
            omits_resource: wish.omit_resource,
            scopes: wish.scopes,
            token_endpoint: server.token_endpoint.clone(),
        },
        iss_promised: server.authorization_response_iss_parameter_supported,
        state: state.into(),
        code_verifier: verifier.into_secret().into(),
        redirect_uri: wish.redirect_uri,
    };
    Ok((request, pending))
}

impl AuthorizationRequest {
    /// The address that brings the whole request by browser.
    pub fn address(&self) -> Url {
        self.address_with(&self.parameters().collect::<Vec<_>>())
    }

    /// The address that brings a request that the server knows already under this name (RFC 9126 §4).
    pub(crate) fn pushed_address(&self, request_uri: &str) -> Url {
        let client_id = self.parameters().filter(|(name, _)| *name == "client_id");
        self.address_with(&client_id.chain([("request_uri", request_uri)]).collect::<Vec<_>>())
    }

    /// Its parameters, in order.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The endpoint with these parameters. What stands in its query stays as it is, but nothing that the request says, and
    /// a fragment is none of it (RFC 6749 §3.1).
    fn address_with(&self, parameters: &[(&str, &str)]) -> Url {
        let mut url = self.endpoint.clone();
        let is_ours = |piece: &str| {
            let name = form_urlencoded::parse(piece.as_bytes()).next();
            let said = || self.parameters().chain(parameters.iter().copied());
            name.is_none_or(|(name, _)| said().any(|(ours, _)| ours == name))
        };
        let kept: Vec<&str> =
            self.endpoint.query().unwrap_or_default().split('&').filter(|piece| !is_ours(piece)).collect();
        url.set_query(Some(&kept.join("&")).filter(|query| !query.is_empty()).map(String::as_str));
        url.set_fragment(None);
        url.query_pairs_mut().extend_pairs(parameters);
        url
    }
}

/// Whether a sign-in at this authorization server can be asked for at all; before anything is registered there.
pub async fn check(http: &Http, server: &ServerMetadata) -> Result<(), RequestError> {
    Ok(http.check(offered_page(server)?).await?)
}

/// The page to open in a browser, as far as the metadata tell.
fn offered_page(server: &ServerMetadata) -> Result<&Url, RequestError> {
    let page = server.authorization_endpoint.as_ref();
    let page = page.ok_or_else(|| RequestError::NoPage(server.issuer.clone()))?;
    if !server.code_challenge_methods_supported.iter().any(|method| method == "S256") {
        return Err(RequestError::NoPkce(server.issuer.clone()));
    }
    if is_protected(page) { Ok(page) } else { Err(RequestError::NotAllowed(page.clone())) }
}

/// The scope that asks for a refresh token (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// The scopes to ask for: what the challenge names (`AUTHZ-10`), else what the resource knows, else none (`AUTHZ-9`).
/// To some of them `offline_access` is added exactly when the authorization server lists it (`AUTHZ-12`, `AUTHZ-13`);
/// alone it would keep a server from granting what it grants by default.
pub fn scopes(challenged: &[String], resource: Option<&[String]>, server: &ServerMetadata) -> Vec<String> {
    let is_offline = |scope: &String| scope == OFFLINE_ACCESS;
    let offered = server.scopes_supported.iter().flatten().any(is_offline);
    let mut scopes = match challenged {
        [] => resource.unwrap_or_default().iter().filter(|scope| offered || !is_offline(scope)).cloned().collect(),
        named => named.to_vec(),
    };
    if offered && !scopes.is_empty() && !scopes.iter().any(is_offline) {
        scopes.push(OFFLINE_ACCESS.to_owned());
    }
    bounded(scopes)
}

/// The scopes of a sign-in that is to reach further: those that would be asked for anyway, those that the last sign-in
/// gave, and those that a server wants (`STEP-3`).
pub fn widened<'a>(scopes: Vec<String>, further: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut union = scopes;
    for scope in further {
        if !union.contains(scope) {
            union.push(scope.clone());
        }
    }
    bounded(union)
}

/// An answer that came back from a browser, read but not believed.
#[derive(Debug)]
pub struct Callback {
    parameters: BTreeMap<String, SecretString>,
    /// The address up to the query: it must be the redirect address of the request.
    target: String,
}

/// The authorization code: good once, for a minute, with the verifier alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(#[serde(serialize_with = "expose")] pub(crate) SecretString);

/// Why an answer is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// It isn't an address, or over a limit, or names a parameter twice (RFC 6749 §3.1).
    #[error("this is not the address that a sign-in comes back to")]
    Malformed,
    /// It doesn't belong to an open sign-in (`AUTHZ-8`).
    #[error("the answer belongs to another sign-in; it was ignored, to be safe")]
    StateMismatch,
    /// It came back to another address than the one that was asked for.
    #[error("the answer came back to another address than the sign-in asked for; it was ignored, to be safe")]
    RedirectMismatch,
    /// The answer comes from another authorization server (RFC 9207 §2.4, `RESP-1`, `RESP-3`).
    #[error("the answer comes from another authorization server than the one that was asked, so Keybearer stopped")]
    IssuerMismatch,
    /// The authorization server promised to name itself and did not (`RESP-2`).
    #[error("the authorization server didn't name itself in its answer although it promised to, so Keybearer stopped")]
    IssuerMissing,
    /// The authorization server said no (RFC 6749 §4.1.2.1).
    #[error("the sign-in was refused: {error}{}", .description.as_ref().map(|d| format!(" ({d})")).unwrap_or_default())]
    Refused {
        /// The error code, such as `access_denied`.
        error: String,
        /// The server's own words.
        description: Option<String>,
    },
    /// Neither a code nor an error.
    #[error("the answer holds no code")]
    NoCode,
}

impl CallbackError {
    /// Whether the open sign-in ends with it. What doesn't belong to it leaves it untouched.
    pub fn ends_sign_in(&self) -> bool {
        !matches!(self, CallbackError::Malformed | CallbackError::StateMismatch | CallbackError::RedirectMismatch)
    }
}

/// The most that a callback address may hold, in bytes.
const CALLBACK_LIMIT: usize = 16 * 1024;

impl Callback {
    /// Reads a callback address, whoever brought it.
    pub fn parse(address: &str) -> Result<Callback, CallbackError> {
        let address = address.trim();
        if address.len() > CALLBACK_LIMIT {
            return Err(CallbackError::Malformed);
        }
        let url = Url::parse(address).map_err(|_| CallbackError::Malformed)?;
        let mut parameters = BTreeMap::new();
        for (name, value) in url.query_pairs() {
            if parameters.insert(name.into_owned(), SecretString::from(value.into_owned())).is_some() {
                return Err(CallbackError::Malformed);
            }
        }
        Ok(Callback { parameters, target: without_query(&url) })
    }

    /// The `state` it brings, to find the sign-in it belongs to.
    pub fn state(&self) -> Option<&SecretString> {
        self.parameters.get("state")
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(|value| value.expose_secret())
    }
}

impl PendingAuthorization {
    /// Whether the answer carries this request's `state`; compared in constant time.
    pub fn owns(&self, callback: &Callback) -> bool {
        let state = self.state.expose_secret().as_bytes();
        callback.state().is_some_and(|given| bool::from(given.expose_secret().as_bytes().ct_eq(state)))
    }

    /// Takes the code out of an answer. `iss` is checked before anything else in it is believed (`RESP-6`, `RESP-7`).
    pub fn accept(&self, callback: &Callback) -> Result<Code, CallbackError> {
        if !self.owns(callback) {
            return Err(CallbackError::StateMismatch);
        }
        if Url::parse(&self.redirect_uri).map(|url| without_query(&url)) != Ok(callback.target.clone()) {
            return Err(CallbackError::RedirectMismatch);
        }
        // Compared as text: nothing is normalised (RESP-5).
        match callback.parameter("iss") {
            Some(iss) if iss != self.asked.issuer => return Err(CallbackError::IssuerMismatch),
            None if self.iss_promised => return Err(CallbackError::IssuerMissing),
            Some(_) | None => {}
        }
        if let Some(error) = callback.parameter("error") {
            let description = callback.parameter("error_description").map(readable);
            return Err(CallbackError::Refused { error: readable(error), description });
        }
        let code = callback.parameters.get("code").ok_or(CallbackError::NoCode)?;
        Ok(Code(code.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registration::{AuthMethod, RegistrationOrigin};

    const REDIRECT: &str = "http://127.0.0.1:47821/callback";

    fn pending(iss_promised: bool) -> (Url, PendingAuthorization) {
        let server =
            ServerMetadata { authorization_response_iss_parameter_supported: iss_promised, ..server(&["S256"]) };
        let (request, pending) = request(&server, &registration(), wish()).expect("a good request");
        (request.address(), pending)
    }

    fn server(methods: &[&str]) -> ServerMetadata {
        let json = serde_json::json!({
            "issuer": "https://as.example", "authorization_endpoint": "https://as.example/authorize?tenant=1",
            "token_endpoint": "https://as.example/token", "code_challenge_methods_supported": methods,
        });
        serde_json::from_value(json).expect("good metadata")
    }

    fn registration() -> Registration {
        Registration {
            issuer: "https://as.example".into(),
            client_id: "c".into(),
            client_secret: None,
            secret_expires_at: None,
            client_key: None,
            signing_algorithm: None,
            auth_method: AuthMethod::None,
            origin: RegistrationOrigin::Dynamic,
            redirect_uris: vec![REDIRECT.into()],
            device: false,
        }
    }

    fn wish() -> Wish {
        let (omit_resource, scopes, parameters) = Default::default();
        Wish {
            redirect_uri: REDIRECT.into(),
            resource: "https://MCP.example".into(),
            omit_resource,
            scopes,
            dpop_jkt: Some("thumbprint".into()),
            parameters,
        }
    }

    #[test]
    fn the_request_carries_pkce_state_and_the_resource_as_published() {
        let (url, pending) = pending(true);
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(query["resource"], "https://MCP.example");
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["tenant"], "1");
        assert_eq!(query["dpop_jkt"], "thumbprint");
        assert_eq!(query["state"], pending.state.expose_secret());
        assert!(!query.contains_key("scope") && !query.contains_key("prompt"));
        assert!(!url.as_str().contains(pending.code_verifier.expose_secret()));
    }

    #[test]
    fn what_stands_in_the_endpoint_stays_and_nothing_stands_twice() {
        for (endpoint, kept) in [
            ("https://as.example/authorize", ""),
            ("https://as.example/authorize?", ""),
            ("https://as.example/authorize?tenant=a%20b&flag#fragment", "tenant=a%20b&flag&"),
            ("https://as.example/authorize?resource=https://evil.example&client%5Fid=evil&x=1", "x=1&"),
        ] {
            let endpoint = Url::parse(endpoint).expect("an address");
            let server = ServerMetadata { authorization_endpoint: Some(endpoint), ..server(&["S256"]) };
            let (request, _) = request(&server, &registration(), wish()).expect("a good request");
            let address = request.address();
            assert!(
                address
                    .as_str()
                    .starts_with(&format!("https://as.example/authorize?{kept}response_type=code&client_id=c&")),
                "{address}"
            );
            assert_eq!(address.fragment(), None);
            let pushed = format!("https://as.example/authorize?{kept}client_id=c&request_uri=urn%3Ax%3A1");
            assert_eq!(request.pushed_address("urn:x:1").as_str(), pushed);
        }
    }

    #[test]
    fn a_prompt_of_the_user_or_of_the_endpoint_replaces_ours() {
        let ask = |endpoint: &str, parameters: &[(&str, &str)]| {
            let mut wish = Wish { scopes: vec![OFFLINE_ACCESS.to_owned()], ..wish() };
            let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            wish.parameters = ExtraParameters::default().with(parameters.collect()).expect("good parameters");
            let server = ServerMetadata { authorization_endpoint: Url::parse(endpoint).ok(), ..server(&["S256"]) };
            let (request, _) = request(&server, &registration(), wish).expect("a good request");
            let address = request.address();
            let prompts = address.query_pairs().filter(|(name, _)| name == "prompt");
            prompts.map(|(_, value)| value.into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(ask("https://as.example/authorize", &[]), ["consent"]);
        assert_eq!(ask("https://as.example/authorize", &[("prompt", "login")]), ["login"]);
        assert_eq!(ask("https://as.example/authorize?prompt=none", &[]), ["none"]);
        assert_eq!(ask("https://as.example/authorize?prompt=none", &[("prompt", "login")]), ["login"]);
    }

    #[test]
    fn without_pkce_or_protection_there_is_no_request() {
        let server_for_clients = ServerMetadata { authorization_endpoint: None, ..server(&["S256"]) };
        assert!(matches!(request(&server_for_clients, &registration(), wish()), Err(RequestError::NoPage(_))));
        for methods in [&[][..], &["plain"]] {
            assert!(matches!(request(&server(methods), &registration(), wish()), Err(RequestError::NoPkce(_))));
        }
        for address in ["http://as.example/authorize", "javascript:alert(1)", "file:///etc/passwd"] {
            let address = Url::parse(address).expect("an address");
            let server = ServerMetadata { authorization_endpoint: Some(address), ..server(&["S256"]) };
            assert!(matches!(request(&server, &registration(), wish()), Err(RequestError::NotAllowed(_))));
        }
    }

    #[test]
    fn an_answer_counts_only_with_the_state_the_redirect_and_the_issuer_of_its_request() {
        use CallbackError::*;
        let refused = || Refused { error: "access_denied".into(), description: Some("no".into()) };
        let state = "STATE";
        for (promised, query, expected) in [
            (true, "code=x&state=STATE&iss=https://as.example", Ok(())),
            (false, "code=x&state=STATE", Ok(())),
            (true, "code=x&state=STATE", Err(IssuerMissing)),
            (true, "code=x&state=STATE&iss=https://as.example/", Err(IssuerMismatch)),
            (false, "code=x&state=STATE&iss=https://evil.example", Err(IssuerMismatch)),
            (
                false,
                "error=access_denied&error_description=no&state=STATE&iss=https://evil.example",
                Err(IssuerMismatch),
            ),
            (true, "error=access_denied&error_description=no&state=STATE&iss=https://as.example", Err(refused())),
            (true, "code=x&state=other&iss=https://as.example", Err(StateMismatch)),
            (true, "code=x&iss=https://as.example", Err(StateMismatch)),
            (true, "state=STATE&iss=https://as.example", Err(NoCode)),
            (true, "code=x&code=y&state=STATE&iss=https://as.example", Err(Malformed)),
        ] {
            let (_, pending) = pending(promised);
            let address = format!("{REDIRECT}?{}", query.replace(state, pending.state.expose_secret()));
            let outcome = Callback::parse(&address).and_then(|callback| pending.accept(&callback).map(|_| ()));
            assert_eq!(outcome, expected, "{query}");
        }
        let (_, pending) = pending(false);
        let elsewhere = format!("http://127.0.0.1:9/callback?code=x&state={}", pending.state.expose_secret());
        let callback = Callback::parse(&elsewhere).expect("an address");
        assert_eq!(pending.accept(&callback).map(|_| ()), Err(RedirectMismatch));
    }

    #[test]
    fn scopes_come_from_the_challenge_else_from_the_resource_else_from_nobody() {
        let known = ["a".to_owned(), "b".to_owned()];
        let plain = server(&["S256"]);
        assert_eq!(scopes(&["x".into()], Some(&known), &plain), ["x"]);
        assert_eq!(scopes(&[], Some(&known), &plain), ["a", "b"]);
        assert!(scopes(&[], None, &plain).is_empty());
        let offline = ServerMetadata { scopes_supported: Some(vec![OFFLINE_ACCESS.into()]), ..plain };
        assert_eq!(scopes(&[], Some(&known), &offline), ["a", "b", OFFLINE_ACCESS]);
        assert!(scopes(&[], None, &offline).is_empty());
        assert!(scopes(&[], Some(&[OFFLINE_ACCESS.into()]), &server(&["S256"])).is_empty());
    }

    #[test]
    fn nothing_secret_is_printed() {
        let (_, pending) = pending(true);
        let callback = Callback::parse("http://127.0.0.1/callback?code=SECRETCODE&state=SECRETSTATE").expect("parses");
        let printed = format!("{pending:?} {callback:?}");
        assert!(!printed.contains("SECRET") && !printed.contains(pending.state.expose_secret()));
        assert!(!printed.contains(pending.code_verifier.expose_secret()));
    }
}
