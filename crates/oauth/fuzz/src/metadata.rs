//! Metadata: only what is about this server, by the right name and safely reached, gets through.

use super::challenge::is_scope;
use keybearer_oauth::authorization::{self, Wish};
use keybearer_oauth::extra_parameters::ExtraParameters;
use keybearer_oauth::http::{Http, HttpError, post};
use keybearer_oauth::network::Network;
use keybearer_oauth::registration::{AuthMethod, Registration, RegistrationOrigin};
use keybearer_oauth::resource_metadata::{self, ResourceMetadata, ResourceMetadataError};
use keybearer_oauth::server_metadata::{self, Exceptions, ServerMetadata, ServerMetadataError};
use keybearer_oauth::server_url::ServerUrl;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use url::{Host, Url};

/// The ways out for servers far and near, by where they lie. None has a name, so nothing is looked up.
static WAYS_OUT: LazyLock<[(Network, Http); 3]> = LazyLock::new(|| {
    [(Network::Public, "https://9.9.9.9"), (Network::Private, "https://10.0.0.1"), (Network::Here, "http://127.0.0.1")]
        .map(|(network, server)| (network, way_out(server)))
});

/// Takes the first line of the input as an address, and the rest as what was found there: the metadata of a resource
/// and of an authorization server at once.
pub fn check(bytes: &[u8]) {
    let (address, document) = match bytes.iter().position(|c| *c == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &[][..]),
    };
    let address = String::from_utf8_lossy(address);
    let resource = serde_json::from_slice::<ResourceMetadata>(document).ok();
    let server = serde_json::from_slice::<ServerMetadata>(document).ok();
    if let Ok(asked) = address.parse::<ServerUrl>() {
        check_address(&asked);
        resource.clone().into_iter().for_each(|found| check_resource(&asked, found, document));
    }
    check_name(&address);
    if let Some(found) = server {
        check_issuer(&address, found.clone(), document);
        let known = resource.and_then(|resource| resource.scopes_supported);
        check_scopes(&authorization::scopes(&[], known.as_deref(), &found));
        check_endpoints(&found);
    }
}

/// The address of a server, as a person may have copied it from anywhere.
fn check_address(asked: &ServerUrl) {
    let url = asked.url();
    assert!(is_safe(url), "{url} would be spoken to in the open");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
    assert_eq!(asked.is_loopback(), is_here(url), "{url}");
    let again: ServerUrl = asked.as_str().parse().expect("what passed once passes again");
    assert!(again.same_server(asked) && again.as_str() == asked.as_str(), "{asked} is read as {again}");
    assert!(asked.is_covered_by(asked.as_str()), "{asked} doesn't cover itself");
    assert!(asked.is_covered_by(&url.origin().ascii_serialization()), "{asked} isn't covered by its origin");
    check_places(url, &resource_metadata::well_known(url));
    check_reach(url);
    check_endpoints(&server_metadata::assumed(url));
}

/// Documents are looked for at the very origin that was named, at places that are meant for them.
fn check_places(named: &Url, places: &[Url]) {
    assert!((1..=3).contains(&places.len()));
    for place in places.iter().filter(|_| matches!(named.scheme(), "https" | "http")) {
        assert_eq!(place.origin(), named.origin(), "{named} leads elsewhere");
        assert!(place.path().contains("/.well-known/o") && place.query().is_none(), "{named} leads to {place}");
        assert!(place.fragment().is_none(), "{named} leads to {place}");
    }
}

/// An authorization server's name is an address and nothing more, and its documents lie at that address (RFC 8414 §2).
fn check_name(issuer: &str) {
    match server_metadata::well_known(issuer) {
        Ok(places) => {
            let url = Url::parse(issuer).expect("a name is an address");
            assert!(issuer.len() <= 2048 && issuer.is_ascii() && !issuer.contains(char::is_control), "{issuer}");
            assert!(url.query().is_none() && url.fragment().is_none() && url.username().is_empty(), "{issuer}");
            check_places(&url, &places);
        }
        Err(ServerMetadataError::BadIssuer(told)) => check_told(&told),
        Err(other) => panic!("the check speaks of something else: {other}"),
    }
}

/// What is told of a stranger's words is short, and commands no terminal.
fn check_told(words: &str) {
    assert!(words.chars().count() <= 500 && !words.contains(char::is_control), "{words:?}");
}

/// What is about this server is let through as it was published, and nothing else is (`DISC-5`, `AUTHZ-6`).
fn check_resource(asked: &ServerUrl, found: ResourceMetadata, document: &[u8]) {
    let expected = found.resource.len() <= 2048 && covers(&found.resource, asked.url());
    match found.checked(asked) {
        Ok(found) => {
            assert!(expected, "{asked} took metadata about {}", found.resource);
            assert!(says(document, "resource", &found.resource), "{} isn't as published", found.resource);
        }
        Err(ResourceMetadataError::Mismatch { resource, .. }) => {
            assert!(!expected, "{asked} refused {resource}");
            check_told(&resource);
        }
        Err(other) => panic!("the check speaks of something else: {other}"),
    }
}

/// The rule of RFC 9728 §3.3 as `DISC-5` has it, piece by piece: same scheme, host and port, no fragment, and each
/// segment of the resource's path stands at its place in the server's.
fn covers(resource: &str, server: &Url) -> bool {
    let Ok(resource) = Url::parse(resource) else { return false };
    let origin = |url: &Url| (url.scheme().to_owned(), url.host().map(|h| h.to_owned()), url.port_or_known_default());
    let segments = |url: &Url| {
        let mut segments: Vec<String> = url.path_segments().into_iter().flatten().map(str::to_owned).collect();
        while segments.last().is_some_and(String::is_empty) {
            segments.pop();
        }
        segments
    };
    origin(&resource) == origin(server)
        && resource.fragment().is_none()
        && segments(server).starts_with(&segments(&resource))
}

/// An authorization server is taken by the very name that it was looked up by, and with endpoints that a request can be
/// made to (`DISC-11`, RFC 6749 §3.1).
fn check_issuer(asked: &str, found: ServerMetadata, document: &[u8]) {
    let is_named = found.issuer == asked;
    let is_fit = endpoints(&found).all(|url| url.fragment().is_none() && url.as_str().len() <= 2048);
    let listed = found.code_challenge_methods_supported.clone();
    if let Ok(found) = found.clone().checked(asked, Exceptions { pkce_not_advertised: true, issuer_slash: true }) {
        let is_slash_away = found.issuer == format!("{asked}/") || asked == format!("{}/", found.issuer);
        assert!((is_named || is_slash_away) && is_fit, "{asked} was taken");
        let methods = found.code_challenge_methods_supported;
        assert_eq!(methods, if listed.is_empty() { vec!["S256".to_owned()] } else { listed });
    }
    match found.checked(asked, Exceptions::default()) {
        Ok(_) => {
            assert!(is_named && is_fit, "{asked} was taken");
            assert!(says(document, "issuer", asked), "{asked} isn't as published");
        }
        Err(ServerMetadataError::IssuerMismatch { found, .. }) => {
            assert!(!is_named, "{asked} was refused by its own name");
            check_told(&found);
        }
        Err(ServerMetadataError::BadEndpoint { .. }) => assert!(is_named && !is_fit, "{asked} was refused"),
        Err(other) => panic!("the check speaks of something else: {other}"),
    }
}

/// Whether the document has this text there. One that is broken where nobody looks can't be asked.
fn says(document: &[u8], name: &str, text: &str) -> bool {
    serde_json::from_slice::<Value>(document).map_or(true, |fields| fields[name] == text)
}

fn check_scopes(scopes: &[String]) {
    assert!(scopes.len() <= 100, "{} scopes", scopes.len());
    assert!(scopes.iter().all(|scope| is_scope(scope)), "{scopes:?}");
}

/// What is opened in a browser, and what is spoken to.
fn check_endpoints(server: &ServerMetadata) {
    let wish = Wish {
        redirect_uri: "http://127.0.0.1:47821/callback".into(),
        resource: "R".into(),
        omit_resource: false,
        scopes: vec![],
        dpop_jkt: None,
        parameters: ExtraParameters::default(),
    };
    let has_pkce = server.code_challenge_methods_supported.iter().any(|method| method == "S256");
    let endpoint = server.authorization_endpoint.as_ref();
    let outcome = authorization::request(server, &registration(&server.issuer), wish);
    assert_eq!(outcome.is_ok(), has_pkce && endpoint.is_some_and(is_safe), "{endpoint:?}");
    if let (Ok((request, pending)), Some(endpoint)) = (outcome, endpoint) {
        let opened = request.address();
        assert_eq!(opened.origin(), endpoint.origin(), "{endpoint} leads elsewhere");
        assert_eq!(opened.path(), endpoint.path(), "{endpoint} leads elsewhere");
        let sent: Vec<(String, String)> = opened.query_pairs().into_owned().collect();
        for (name, value) in [
            ("response_type", "code"),
            ("code_challenge_method", "S256"),
            ("state", pending.state.expose_secret()),
            ("resource", "R"),
        ] {
            let given: Vec<&str> = sent.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect();
            assert_eq!(given, [value], "{name} in {opened}");
        }
        assert_eq!((opened.fragment(), pending.asked.issuer), (None, server.issuer.clone()));
    }
    for url in endpoints(server) {
        check_reach(url);
        // Where a request goes is where its endpoint lies.
        if let (true, Ok(request)) = (is_safe(url), post(url, "application/json", Vec::new())) {
            let sent = Url::parse(&request.uri().to_string()).expect("a request goes to an address");
            assert_eq!((sent.origin(), sent.path(), sent.query()), (url.origin(), url.path(), url.query()));
        }
    }
}

fn endpoints(server: &ServerMetadata) -> impl Iterator<Item = &Url> {
    let optional = [
        &server.authorization_endpoint,
        &server.registration_endpoint,
        &server.pushed_authorization_request_endpoint,
        &server.device_authorization_endpoint,
        &server.revocation_endpoint,
    ];
    [&server.token_endpoint].into_iter().chain(optional.into_iter().flatten())
}

/// A server leads as far away as it lies itself, or farther, and never in the open (`SSRF-1`, `SSRF-3`, `TLS-1`).
fn check_reach(url: &Url) {
    let lies = match url.host() {
        Some(Host::Ipv4(address)) => Network::of(address.into()),
        Some(Host::Ipv6(address)) => Network::of(address.into()),
        Some(Host::Domain(_)) if is_here(url) => Network::Here,
        // Other names would be looked up; without a host there is nothing to reach.
        Some(Host::Domain(_)) | None => return,
    };
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    for (from, http) in WAYS_OUT.iter() {
        let Poll::Ready(outcome) = pin!(http.check(url)).poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("{url} needs no looking up")
        };
        let expected = is_safe(url) && is_anonymous && lies >= *from;
        assert_eq!(outcome.is_ok(), expected, "{url}, which lies {lies}, from a server that lies {from}");
        if let Err(error) = outcome {
            assert!(matches!(error, HttpError::NotAllowed(_) | HttpError::TooNear { .. }), "{error}");
        }
    }
}

/// https, or http that never leaves this machine (`TLS-1`, `SSRF-2`).
fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_here(url))
}

/// Whether the address is one of this machine's own, in all the forms that lead here (RFC 6761 §6.3, RFC 6890).
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => matches!(address.octets(), [127, ..] | [0, 0, 0, 0]),
        Some(Host::Ipv6(address)) => {
            matches!(address.segments(), [0, 0, 0, 0, 0, 0, 0, 0 | 1] | [0, 0, 0, 0, 0, 0xffff, 0x7f00..=0x7fff, _])
                || address.segments() == [0, 0, 0, 0, 0, 0xffff, 0, 0]
        }
        Some(Host::Domain(name)) => {
            let labels = name.trim_end_matches('.').rsplit('.');
            labels.take(1).any(|last| last == "localhost")
        }
        None => false,
    }
}

fn registration(issuer: &str) -> Registration {
    Registration {
        issuer: issuer.to_owned(),
        client_id: "c".to_owned(),
        client_secret: None,
        client_key: None,
        signing_algorithm: None,
        device: false,
        secret_expires_at: None,
        auth_method: AuthMethod::None,
        origin: RegistrationOrigin::Dynamic,
        redirect_uris: Vec::new(),
    }
}

fn way_out(server: &str) -> Http {
    Http::for_server(&server.parse().expect("a good address")).expect("a client can be made")
}
