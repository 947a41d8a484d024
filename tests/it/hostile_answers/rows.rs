//! The answers, by the place where they are given, and how each has to end.

use super::SECRET;
use super::liar::{Lie, Place, challenge, json, resource, rpc, server, text, tokens};
use serde_json::{Value, json};
use std::time::Duration;

/// One account at the server.
pub(super) struct Row {
    /// What is odd about it; the account's name.
    pub(super) name: &'static str,
    pub(super) trick: Trick,
    pub(super) ends: Ends,
}

/// What is odd.
pub(super) enum Trick {
    /// The server's answer at this place.
    Answer(Place, Lie),
    /// The address that the browser comes back to.
    Callback(&'static str),
}

/// How it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// As an honest one: lenient reading is right.
    Well,
    /// With this error and its exact reason.
    Badly(String, String),
    /// Signed out, and told that the server took nothing back.
    NotRevoked,
    /// People would be shown what they must not be: no row ends so.
    Unfit(String),
}

const JSON: &str = "application/json";
/// Takes over terminals, turns lines around, hides words.
const EVIL: &str = "\u{1b}]52;c;ZXZpbA==\u{7}\r\nSet-Cookie: x\u{202e}gpj\u{200b}\u{9b}31m<script>alert(1)</script>";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

/// All rows; those that take longest come last, and are taken first.
pub(super) fn rows() -> Vec<Row> {
    [
        challenges(),
        resources(),
        servers(),
        registrations(),
        callbacks(),
        exchanges(),
        renewals(),
        revocations(),
        tools(),
        slow(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn well() -> Ends {
    Ends::Well
}

fn provider(reason: &str) -> Ends {
    Ends::Badly("provider_error".to_owned(), reason.to_owned())
}

fn unreachable(reason: &str) -> Ends {
    Ends::Badly("provider_unreachable".to_owned(), reason.to_owned())
}

fn no_server() -> Ends {
    Ends::Badly("not_mcp_server".to_owned(), String::new())
}

fn at(place: Place, rows: Vec<(&'static str, Lie, Ends)>) -> Vec<Row> {
    rows.into_iter().map(|(name, lie, ends)| Row { name, trick: Trick::Answer(place, lie), ends }).collect()
}

/// A JSON document with some members changed; `null` takes one out.
fn with(document: Value, change: Value) -> Lie {
    let mut document = document;
    for (name, value) in change.as_object().unwrap() {
        document[name] = value.clone();
    }
    document.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    json(200, document)
}

/// So many scopes.
fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("scope-{number}")).collect()
}

fn raw(bytes: &str) -> Lie {
    Lie::Raw(bytes.as_bytes().to_vec())
}

fn nested() -> Lie {
    text(200, JSON, &"[".repeat(100_000))
}

fn redirect() -> Lie {
    Lie::Whole(307, vec![("Location", "BASE/elsewhere".to_owned())], Vec::new())
}

/// Chunks without an end.
fn endless() -> Lie {
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    Lie::Endless(CHUNKED, chunk.into_bytes(), Duration::ZERO)
}

fn marked(body: &Value) -> Lie {
    text(200, JSON, &format!("\u{feff}{body}"))
}

fn utf_16(body: &Value) -> Lie {
    let bytes = body.to_string().encode_utf16().flat_map(u16::to_le_bytes).collect();
    Lie::Whole(200, vec![("Content-Type", JSON.to_owned())], [vec![0xff, 0xfe], bytes].concat())
}

/// What every JSON document may be instead of one: each is no answer at all.
fn no_documents(place: Place, names: [&'static str; 8], missing: &Ends) -> Vec<Row> {
    let [page, utf16, deep, twice, nan, list, zipped, halved] = names;
    at(
        place,
        vec![
            (page, text(200, "text/html", "<h1>s3cr3t-t0ken</h1>"), missing.clone()),
            (utf16, utf_16(&resource()), missing.clone()),
            (deep, nested(), missing.clone()),
            (
                twice,
                text(200, JSON, r#"{"resource":"BASE/mcp","resource":"x","issuer":"BASE","issuer":"x"}"#),
                missing.clone(),
            ),
            (nan, text(200, JSON, r#"{"resource":NaN,"issuer":NaN}"#), missing.clone()),
            (list, text(200, JSON, r#"["BASE"]"#), missing.clone()),
            // No encoding is offered, so a bomb stays packed.
            (
                zipped,
                Lie::Whole(
                    200,
                    vec![("Content-Encoding", "gzip".to_owned())],
                    b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(),
                ),
                missing.clone(),
            ),
            (halved, raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"), unreachable("broken")),
        ],
    )
}

fn challenges() -> Vec<Row> {
    let named = |address: &str| challenge(&format!("Bearer resource_metadata=\"{address}\""));
    let flood = |count: usize, length: usize| {
        let lines: String = (0..count).map(|n| format!("X-{n}: {}\r\n", "x".repeat(length))).collect();
        raw(&format!("HTTP/1.1 401 No\r\n{lines}\r\n"))
    };
    at(
        Place::Challenge,
        vec![
            ("401-bare", Lie::Whole(401, Vec::new(), Vec::new()), well()),
            ("challenge-rubbish", challenge("=,=; \"never closed"), well()),
            ("challenge-not-ascii", challenge("Bearer resource_metadata=\"https://x\u{202e}\""), well()),
            ("challenge-others-first", challenge("Negotiate abc==, Basic realm=\"x\", Bearer"), well()),
            ("challenge-10000-scopes", challenge(&format!("Bearer scope=\"{}\"", many(10_000).join(" "))), well()),
            ("challenge-odd-scopes", challenge(r#"Bearer scope="a\"b ok \\ c""#), well()),
            ("challenge-javascript", named("javascript:alert(1)"), provider("address_not_allowed")),
            ("challenge-file", named("file:///etc/passwd"), provider("address_not_allowed")),
            ("challenge-data", named("data:application/json,{}"), provider("address_not_allowed")),
            ("challenge-ftp", named("ftp://evil.example/x"), provider("address_not_allowed")),
            ("challenge-plain-http", named("http://evil.example/x"), provider("address_not_allowed")),
            ("challenge-user-info", named("https://u:s3cr3t-t0ken@evil.example/x"), provider("address_not_allowed")),
            ("challenge-no-address", named("no address"), provider("resource_metadata_malformed")),
            ("challenge-leads-nowhere", named("BASE/nowhere"), provider("resource_metadata_missing")),
            ("challenge-1000-headers", flood(1000, 10), unreachable("broken")),
            ("challenge-1-mb-header", flood(1, 1_000_000), unreachable("broken")),
            ("mcp-redirects", redirect(), no_server()),
            ("mcp-page", text(200, "text/html", EVIL), no_server()),
            ("mcp-500", text(500, "text/html", EVIL), unreachable("status")),
            ("mcp-429", text(429, "text/plain", ""), unreachable("status")),
            ("mcp-hangs-up", raw(""), unreachable("broken")),
            ("mcp-is-ssh", raw("SSH-2.0-OpenSSH_9.2\r\n"), unreachable("broken")),
            ("mcp-status-999999", raw("HTTP/1.1 999999 x\r\n\r\n"), unreachable("broken")),
            (
                "401-with-endless-body",
                Lie::Endless("HTTP/1.1 401 No\r\nContent-Length: 9999999999\r\n\r\n", vec![b'x'; 4096], Duration::ZERO),
                well(),
            ),
        ],
    )
}

fn resources() -> Vec<Row> {
    let named = |issuer: &str| with(resource(), json!({ "authorization_servers": [issuer] }));
    let about = |name: &str| with(resource(), json!({ "resource": name }));
    let first_of_many = [vec!["BASE".to_owned()], many(10_000)].concat();
    let names = ["r-page", "r-utf-16", "r-deep", "r-twice", "r-nan", "r-list", "r-zipped", "r-halved"];
    let mut rows = no_documents(Place::Resource, names, &provider("not_json"));
    rows.extend(at(
        Place::Resource,
        vec![
            ("resource-of-another", about("https://mcp.evil.example/mcp"), provider("resource_mismatch")),
            ("resource-with-fragment", about("BASE/mcp#x"), provider("resource_mismatch")),
            ("resource-below", about("BASE/mcp/deeper"), provider("resource_mismatch")),
            ("resource-3-kb", about(&format!("BASE?{}", "x".repeat(3000))), provider("resource_mismatch")),
            ("resource-evil", about(&format!("BASE/mcp?{EVIL}")), well()),
            ("resource-evil-mismatch", about(&format!("https://x/{EVIL}")), provider("resource_mismatch")),
            ("resource-marked", marked(&resource()), well()),
            ("resource-2-mb", text(200, JSON, &" ".repeat(2_000_000)), provider("too_large")),
            ("resource-endless", endless(), provider("too_large")),
            ("resource-bad-chunks", raw(&format!("{CHUNKED}zz\r\n{{}}\r\n")), unreachable("broken")),
            ("resource-redirects", redirect(), provider("status")),
            ("resource-10000-scopes", with(resource(), json!({ "scopes_supported": many(10_000) })), well()),
            (
                "issuers-none",
                with(resource(), json!({ "authorization_servers": [] })),
                provider("server_metadata_missing"),
            ),
            // The first is taken (DISC-6), and the others are asked nothing.
            ("issuers-10000", with(resource(), json!({ "authorization_servers": first_of_many })), well()),
            ("issuers-second", with(resource(), json!({ "authorization_servers": ["BASE/x", "BASE"] })), well()),
            ("issuer-no-address", named(EVIL), provider("issuer_malformed")),
            ("issuer-user-info", named("https://u:s3cr3t-t0ken@evil.example"), provider("issuer_malformed")),
            ("issuer-query", named("BASE?tenant=1"), provider("issuer_malformed")),
            ("issuer-fragment", named("BASE#x"), provider("issuer_malformed")),
            ("issuer-control", named("BASE\u{7}"), provider("issuer_malformed")),
            ("issuer-3-kb", named(&format!("BASE/{}", "x".repeat(3000))), provider("issuer_malformed")),
            ("issuer-javascript", named("javascript:alert(1)"), provider("address_not_allowed")),
            ("issuer-plain-http", named("http://as.evil.example"), provider("address_not_allowed")),
        ],
    ));
    rows
}

fn servers() -> Vec<Row> {
    let endpoint = |name: &str, address: &str| with(server(), json!({ name: address }));
    let page = |address: &str| endpoint("authorization_endpoint", address);
    let names = ["s-page", "s-utf-16", "s-deep", "s-twice", "s-nan", "s-list", "s-zipped", "s-halved"];
    // The place is a guess, so what isn't the document counts as none.
    let mut rows = no_documents(Place::Server, names, &provider("server_metadata_missing"));
    rows.extend(at(
        Place::Server,
        vec![
            ("server-marked", marked(&server()), well()),
            ("server-other-name", endpoint("issuer", "https://as.example"), provider("metadata_issuer_mismatch")),
            ("server-slash", endpoint("issuer", "BASE/"), provider("metadata_issuer_mismatch")),
            ("server-evil-name", endpoint("issuer", EVIL), provider("metadata_issuer_mismatch")),
            (
                "server-no-pkce",
                endpoint("code_challenge_methods_supported", "S256"),
                provider("server_metadata_missing"),
            ),
            (
                "server-pkce-null",
                with(server(), json!({ "code_challenge_methods_supported": null })),
                provider("pkce_unsupported"),
            ),
            (
                "server-pkce-plain",
                with(server(), json!({ "code_challenge_methods_supported": ["plain", "s256"] })),
                provider("pkce_unsupported"),
            ),
            ("server-10000-scopes", with(server(), json!({ "scopes_supported": many(10_000) })), well()),
            ("server-500", text(500, "text/html", EVIL), unreachable("status")),
            ("server-endless", endless(), provider("too_large")),
            ("page-javascript", page("javascript:alert(1)"), provider("address_not_allowed")),
            ("page-vbscript", page("vbscript:msgbox(1)"), provider("address_not_allowed")),
            ("page-data", page("data:text/html,<script>alert(1)</script>"), provider("address_not_allowed")),
            ("page-file", page("file:///usr/bin/gnome-calculator"), provider("address_not_allowed")),
            ("page-ms-msdt", page("ms-msdt:/id%20PCWDiagnostic"), provider("address_not_allowed")),
            ("page-plain-http", page("http://as.evil.example/authorize"), provider("address_not_allowed")),
            ("page-user-info", page("https://$(calc):x@as.evil.example/"), provider("address_not_allowed")),
            ("page-fragment", page("BASE/authorize#x"), provider("endpoint_malformed")),
            ("page-100-kb", page(&format!("BASE/authorize?{}", "x".repeat(100_000))), provider("endpoint_malformed")),
            ("page-relative", page("/authorize"), provider("server_metadata_missing")),
            ("page-shell", page("BASE/authorize?a=$(calc)`calc`;calc|calc&b='\"%PATH% {{x}}"), well()),
            ("register-file", endpoint("registration_endpoint", "file:///etc/passwd"), provider("address_not_allowed")),
            (
                "register-nowhere",
                with(server(), json!({ "registration_endpoint": null })),
                provider("registration_not_offered"),
            ),
            (
                "token-plain-http",
                endpoint("token_endpoint", "http://as.evil.example/token"),
                provider("address_not_allowed"),
            ),
            ("token-javascript", endpoint("token_endpoint", "javascript:alert(1)"), provider("address_not_allowed")),
            ("revoke-fragment", endpoint("revocation_endpoint", "BASE/revoke#x"), provider("endpoint_malformed")),
        ],
    ));
    rows
}

fn registrations() -> Vec<Row> {
    let client = |id: Value| json(201, json!({ "client_id": id }));
    let refusal = json!({ "error": EVIL, "error_description": EVIL.repeat(1000) });
    at(
        Place::Register,
        vec![
            ("client-200", json(200, json!({ "client_id": "c" })), well()),
            (
                "client-elsewhere",
                json(201, json!({ "client_id": "c", "redirect_uris": ["https://evil.example"] })),
                provider("registration_refused"),
            ),
            ("client-1-mb", client("c".repeat(1_000_000).into()), provider("registration_unusable")),
            ("client-evil", client(EVIL.into()), provider("registration_unusable")),
            ("client-empty", client("".into()), provider("registration_unusable")),
            ("client-number", client(7.into()), provider("not_json")),
            ("client-none", json(201, json!({})), provider("not_json")),
            (
                "client-secret-1-mb",
                json(201, json!({ "client_id": "c", "client_secret": "s".repeat(1_000_000) })),
                provider("registration_unusable"),
            ),
            (
                "client-method",
                json(201, json!({ "client_id": "c", "token_endpoint_auth_method": EVIL })),
                provider("auth_method_unsupported"),
            ),
            ("register-page", text(201, "text/html", EVIL), provider("not_json")),
            ("register-refuses", json(400, refusal), provider("registration_refused")),
            ("register-forbidden", text(403, "text/plain", "Forbidden"), provider("registration_not_listed")),
            ("register-500", text(500, "text/html", EVIL), unreachable("status")),
            ("register-endless", endless(), provider("too_large")),
            ("register-redirects", redirect(), provider("status")),
        ],
    )
}

fn callbacks() -> Vec<Row> {
    let usage = || Ends::Badly("usage".to_owned(), "callback_malformed".to_owned());
    [
        ("state-other", "REDIRECT?code=x&state=other", provider("state_mismatch")),
        ("state-none", "REDIRECT?code=x", provider("state_mismatch")),
        ("state-longer", "REDIRECT?code=x&state=STATE0", provider("state_mismatch")),
        ("state-twice", "REDIRECT?code=x&state=STATE&state=STATE", usage()),
        ("code-twice", "REDIRECT?code=x&code=y&state=STATE", usage()),
        ("code-none", "REDIRECT?state=STATE", provider("callback_malformed")),
        ("code-odd", "REDIRECT?code=%00%0d%0aX:%20y%ff&state=STATE", well()),
        ("redirect-other", "https://evil.example/callback?code=x&state=STATE", provider("redirect_mismatch")),
        ("redirect-other-path", "REDIRECT/../x?code=x&state=STATE", provider("redirect_mismatch")),
        ("iss-other", "REDIRECT?code=x&state=STATE&iss=https://as.evil.example", provider("issuer_mismatch")),
        (
            "iss-other-error",
            "REDIRECT?error=access_denied&state=STATE&iss=https://as.evil.example",
            provider("issuer_mismatch"),
        ),
        (
            "error-evil",
            "REDIRECT?error=%1b]0;x%07%e2%80%ae&error_description=%3Cscript%3E%0d%0a%e2%80%8b&state=STATE",
            provider("authorization_refused"),
        ),
    ]
    .into_iter()
    .map(|(name, answer, ends)| Row { name, trick: Trick::Callback(answer), ends })
    .collect()
}

fn exchanges() -> Vec<Row> {
    let but = |change: Value| with(tokens(), change);
    let token = |token: &str| with(tokens(), json!({ "access_token": token }));
    let kind = |kind: &str| with(tokens(), json!({ "token_type": kind }));
    let form = "application/x-www-form-urlencoded";
    at(
        Place::Token,
        vec![
            ("token-cr-lf", token("t\r\nX-Evil: 1"), provider("token_unusable")),
            ("token-control", token("t\u{1b}[31m"), provider("token_unusable")),
            ("token-space", token("t u"), provider("token_unusable")),
            ("token-not-ascii", token("tökèn"), provider("token_unusable")),
            ("token-empty", token(""), provider("token_unusable")),
            ("token-100-kb", token(&"t".repeat(100_000)), provider("token_unusable")),
            ("refresh-token-100-kb", but(json!({ "refresh_token": "t".repeat(100_000) })), provider("token_unusable")),
            ("refresh-token-odd", but(json!({ "refresh_token": EVIL })), well()),
            ("token-number", but(json!({ "access_token": 7 })), provider("token_malformed")),
            ("token-none", but(json!({ "access_token": null })), provider("token_malformed")),
            ("type-mac", kind("mac"), provider("token_type_unknown")),
            ("type-dpop-unasked", kind("DPoP"), provider("dpop_token_strange")),
            ("type-evil", kind(EVIL), provider("token_type_unknown")),
            ("type-upper", kind("BEARER"), well()),
            ("type-slack", kind("user"), well()),
            ("type-none", but(json!({ "token_type": null })), well()),
            ("ends-text", but(json!({ "expires_in": "3600" })), well()),
            ("ends-never", but(json!({ "expires_in": 1e300 })), well()),
            ("ends-u64", but(json!({ "expires_in": u64::MAX })), well()),
            ("ends-before", but(json!({ "expires_in": -5 })), well()),
            ("ends-no-number", but(json!({ "expires_in": "NaN" })), well()),
            ("ends-nan", text(200, JSON, r#"{"access_token":"t","expires_in":NaN}"#), provider("not_json")),
            ("scope-10000", but(json!({ "scope": many(10_000).join(" ") })), well()),
            ("scope-evil", but(json!({ "scope": EVIL })), well()),
            ("token-201", json(201, tokens()), well()),
            ("token-marked", marked(&tokens()), well()),
            ("token-form", text(200, form, &format!("access_token={SECRET}&expires_in=60")), well()),
            ("token-twice", text(200, JSON, r#"{"access_token":"s","access_token":"t"}"#), well()),
            (
                "token-error-in-200",
                json(200, json!({ "error": "access_denied", "error_description": EVIL })),
                provider("token_refused"),
            ),
            (
                "token-refused",
                json(400, json!({ "error": EVIL, "error_description": EVIL.repeat(1000) })),
                provider("token_refused"),
            ),
            ("token-page", text(200, "text/html", "<p>s3cr3t-t0ken"), provider("not_json")),
            ("token-nothing", text(200, JSON, ""), provider("not_json")),
            ("token-utf-16", utf_16(&tokens()), provider("not_json")),
            ("token-deep", nested(), provider("not_json")),
            ("token-500", text(500, "text/html", EVIL), unreachable("status")),
            ("token-429", text(429, JSON, "{}"), unreachable("status")),
            ("token-endless", endless(), provider("too_large")),
            ("token-hangs-up", raw(""), unreachable("broken")),
            ("token-redirects", redirect(), provider("status")),
        ],
    )
}

fn renewals() -> Vec<Row> {
    let needs = || Ends::Badly("auth_required".to_owned(), String::new());
    let refused = json!({ "error": "invalid_grant", "error_description": EVIL });
    at(
        Place::Refresh,
        vec![
            ("renewal-refused", json(400, refused.clone()), needs()),
            ("renewal-refused-in-200", json(200, refused), needs()),
            ("renewal-cr-lf", with(tokens(), json!({ "access_token": "t\r\n" })), provider("token_unusable")),
            ("renewal-mac", with(tokens(), json!({ "token_type": "mac" })), provider("token_type_unknown")),
            ("renewal-without-refresh-token", with(tokens(), json!({ "refresh_token": "" })), well()),
            ("renewal-page", text(200, "text/html", EVIL), provider("not_json")),
            ("renewal-500", text(500, "text/html", EVIL), unreachable("status")),
            ("renewal-hangs-up", raw(""), unreachable("broken")),
            ("renewal-endless", endless(), provider("too_large")),
            ("renewal-redirects", redirect(), provider("status")),
        ],
    )
}

fn revocations() -> Vec<Row> {
    at(
        Place::Revoke,
        vec![
            ("revocation-page", text(200, "text/html", EVIL), well()),
            ("revocation-500", text(500, "text/html", EVIL), Ends::NotRevoked),
            ("revocation-unsupported", json(400, json!({ "error": "unsupported_token_type" })), Ends::NotRevoked),
            ("revocation-hangs-up", raw(""), Ends::NotRevoked),
            ("revocation-endless", endless(), Ends::NotRevoked),
            ("revocation-redirects", redirect(), Ends::NotRevoked),
        ],
    )
}

fn tools() -> Vec<Row> {
    let events = |event: &str| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        Lie::Endless(head, format!("{:x}\r\n{event}\r\n", event.len()).into_bytes(), Duration::ZERO)
    };
    let evil: Vec<Value> = (0..200).map(|_| json!({ "name": EVIL })).collect();
    let refusal = json!({ "jsonrpc": "2.0", "error": { "code": -1, "message": EVIL.repeat(1000) } }).to_string();
    let more = challenge(r#"Bearer error="insufficient_scope", scope="more""#);
    let Lie::Whole(_, wanted, _) = more else { unreachable!("a challenge is whole") };
    at(
        Place::Tools,
        vec![
            (
                "tools-evil",
                rpc(json!({ "tools": evil, "_meta": { "io.modelcontextprotocol/serverInfo": { "name": EVIL } } })),
                well(),
            ),
            ("tools-for-ever", rpc(json!({ "tools": [{ "name": "x" }], "nextCursor": "x" })), well()),
            ("tools-none", rpc(json!({})), no_server()),
            ("tools-page", text(200, "text/html", EVIL), no_server()),
            ("tools-deep", nested(), no_server()),
            ("tools-not-json", text(200, JSON, "NaN"), no_server()),
            ("tools-endless", endless(), provider("too_large")),
            ("tools-endless-events", events("data: {}\n\n"), provider("too_large")),
            ("tools-endless-event", events(&"x".repeat(4096)), provider("too_large")),
            ("tools-evil-event", text(200, "text/event-stream", &format!("data: {EVIL}\n\n")), no_server()),
            ("tools-refused", text(200, JSON, &refusal.replacen('{', r#"{"id":ID,"#, 1)), provider("server_error")),
            ("tools-401", challenge("Bearer"), provider("token_rejected")),
            (
                "tools-403",
                Lie::Whole(403, wanted, Vec::new()),
                Ends::Badly("scope_unavailable".into(), "more_access_needed".into()),
            ),
            ("tools-500", text(500, "text/html", EVIL), unreachable("status")),
            ("tools-redirect", redirect(), no_server()),
            ("tools-hang-up", raw(""), unreachable("broken")),
        ],
    )
}

/// Those that end with the product's own patience.
fn slow() -> Vec<Row> {
    let trickle = |head| Lie::Endless(head, b" ".to_vec(), Duration::from_secs(1));
    let row = |name, place, lie| Row { name, trick: Trick::Answer(place, lie), ends: unreachable("timeout") };
    vec![
        row("mcp-trickles", Place::Challenge, trickle("HTTP/1.1 401 No\r\nX: ")),
        row("resource-trickles", Place::Resource, trickle("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")),
        row("token-trickles", Place::Token, trickle("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")),
        row("tools-trickle", Place::Tools, trickle("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")),
    ]
}
