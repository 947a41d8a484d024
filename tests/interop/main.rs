//! Servers that nobody here wrote, each signed in to, looked at, waited for and signed out of.
//!
//! They need the packages of this folder: `cargo xtask interop` installs them, and writes what was seen into
//! `docs/compatibility.md`.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

/// What a server was seen to do.
mod seen;
/// A server as a process.
mod server;
/// Clients on each road to a server.
mod traffic;
/// A visit to one server.
mod visit;

use seen::{Renewal, Revocation, WayBack};
use server::Server;
use visit::{Visit, Visitor};

/// The address of a document that the server under test reads from a file instead.
const DOCUMENT: &str = "https://keybearer.example/oauth/client.json";
/// One of the addresses of a client that is registered by hand.
const LOOPBACK: &str = "http://127.0.0.1:47821/callback";

#[test]
fn the_practice_server_renews_silently_and_revokes() {
    let server = Server::practice();
    let seen = Visit::begin(&server).finish();
    seen.record("practice", &server, "Keybearer's own, to compare with. Tokens of 20 s.");
    assert_eq!(
        (seen.renewal, seen.revocation, seen.way_back),
        (Renewal::Silent, Revocation::AtOnce, WayBack::DeepLink)
    );
}

#[test]
fn oidc_provider_signs_in_renews_silently_and_revokes() {
    let server = Server::node("oidc-provider.mjs");
    let seen = Visit::begin(&server).finish();
    let set_up = "Refresh tokens for `offline_access` with `prompt=consent` alone, as is its default. Tokens of 20 s.";
    seen.record("oidc-provider", &server, set_up);
    assert_eq!(
        (seen.renewal, seen.revocation, seen.way_back),
        (Renewal::Silent, Revocation::AtOnce, WayBack::DeepLink)
    );
    assert!(server.count("refreshes") >= 1);
    assert!(server.count("revocations") >= 1);
    // The one that was tried after the sign-out. Keybearer itself sent none that was refused.
    assert_eq!(server.count("rejected"), 1);
}

#[test]
fn oidc_provider_takes_pushed_authorization_requests_alone() {
    let server = Server::oidc_provider(&[("SET_UP", "pushed")]);
    let seen = Visit::begin(&server).finish();
    seen.record("oidc-provider, pushed requests", &server, "Pushed authorization requests (RFC 9126) and no others.");
    assert_eq!(
        (seen.renewal, seen.revocation, seen.way_back),
        (Renewal::Silent, Revocation::AtOnce, WayBack::DeepLink)
    );
    assert_eq!(server.count("pushed"), 1);
}

#[test]
fn oidc_provider_knows_clients_by_their_document_alone() {
    let visitor = Visitor::new();
    let file = visitor.put_document_to_use(DOCUMENT).display().to_string();
    let variables = [("SET_UP", "document"), ("CLIENT_METADATA_URL", DOCUMENT), ("CLIENT_METADATA_FILE", &file)];
    let server = Server::oidc_provider(&variables);
    let seen = visitor.visit(&server).finish();
    let set_up = "No registration: it reads the client metadata document, what `keybearer client-metadata` prints.";
    seen.record("oidc-provider, metadata document", &server, set_up);
    assert_eq!(seen.registration, "metadata_document");
    assert_eq!(
        (seen.renewal, seen.revocation, seen.way_back),
        (Renewal::Silent, Revocation::AtOnce, WayBack::AsRegistered)
    );
    assert_eq!((server.count("documents"), server.count("registrations")), (1, 0));
}

#[test]
fn oidc_provider_knows_a_client_by_hand_by_its_secret_in_the_header_or_in_the_form() {
    for (method, place) in [("client_secret_basic", "header"), ("client_secret_post", "form")] {
        let server = Server::oidc_provider(&[
            ("SET_UP", "by-hand"),
            ("CLIENT_REDIRECT_URI", LOOPBACK),
            ("CLIENT_AUTH_METHOD", method),
        ]);
        let seen = Visitor::new().visit_by_hand(&server, &[]).finish();
        let set_up = format!("No registration: a client with a secret, which it wants in the {place} (`{method}`).");
        seen.record(&format!("oidc-provider, secret in the {place}"), &server, &set_up);
        assert_eq!(
            (seen.renewal, seen.revocation, seen.way_back),
            (Renewal::Silent, Revocation::AtOnce, WayBack::AsRegistered),
            "{method}"
        );
        let used = ["secret_in_header", "secret_in_form"].map(|place| server.count(place) > 0);
        assert_eq!(used, [place == "header", place == "form"]);
        assert_eq!(server.count("registrations"), 0);
    }
}

#[test]
fn oidc_provider_signs_in_a_client_for_itself() {
    let server = Server::oidc_provider(&[("SET_UP", "client-credentials")]);
    let seen = Visitor::new().visit_by_hand(&server, &["--auth", "client-credentials"]).finish();
    seen.record(
        "oidc-provider, client credentials",
        &server,
        "A client of its own, without browser and person. Tokens of 20 s.",
    );
    assert_eq!(
        (seen.renewal, seen.revocation, seen.way_back),
        (Renewal::Silent, Revocation::AtOnce, WayBack::NotNeeded)
    );
    assert!(server.count("by_client") >= 2);
    assert_eq!(server.count("code_exchanges"), 0);
}

#[test]
fn oidc_provider_signs_in_on_any_device() {
    let server = Server::oidc_provider(&[("SET_UP", "device")]);
    let seen = Visitor::new().visit_with(&server, &["--auth", "device"], "").finish();
    let set_up =
        "Its device flow (RFC 8628); the browser's stand-in gets the address with the code in it. Tokens of 20 s.";
    seen.record("oidc-provider, device", &server, set_up);
    assert_eq!(
        (seen.renewal, seen.revocation, seen.way_back),
        (Renewal::Silent, Revocation::AtOnce, WayBack::NotNeeded)
    );
    assert_eq!((server.count("devices"), server.count("code_exchanges")), (1, 0));
}

#[test]
fn the_typescript_sdks_demo_server_signs_in_and_lists_its_tools() {
    let server = Server::node("sdk-demo.mjs");
    let seen = Visit::begin(&server).finish();
    seen.record("TypeScript SDK's demo", &server, "`simpleStreamableHttp`, unmodified.");
    assert_eq!(
        (seen.renewal, seen.revocation, seen.way_back),
        (Renewal::NotOffered, Revocation::NotOffered, WayBack::DeepLink)
    );
}

#[test]
fn the_python_sdks_handlers_renew_silently_and_revoke() {
    let server = Server::python("python_sdk.py");
    let seen = Visit::begin(&server).finish();
    let set_up =
        "Its authorization server's handlers over a store in memory. Each client gets a secret. Tokens of 20 s.";
    seen.record("Python SDK", &server, set_up);
    assert_eq!(
        (seen.renewal, seen.revocation, seen.way_back),
        (Renewal::Silent, Revocation::AtOnce, WayBack::DeepLink)
    );
}

#[test]
fn fastmcp_renews_silently_and_revokes() {
    let server = Server::python("fastmcp_server.py");
    let seen = Visit::begin(&server).finish();
    let set_up = "Its `InMemoryOAuthProvider`, which asks nobody. Each client gets a secret. Tokens of 20 s.";
    seen.record("FastMCP", &server, set_up);
    assert_eq!(
        (seen.renewal, seen.revocation, seen.way_back),
        (Renewal::Silent, Revocation::AtOnce, WayBack::DeepLink)
    );
}

#[test]
fn fastmcps_proxy_renews_silently_and_revokes() {
    let server = Server::python("fastmcp_proxy.py");
    let seen = Visit::begin(&server).finish();
    let set_up = "Its `OAuthProxy` before oidc-provider, with the consent pages of both. Tokens of 20 s.";
    seen.record("FastMCP's OAuth proxy", &server, set_up);
    assert_eq!(
        (seen.renewal, seen.revocation, seen.way_back),
        (Renewal::Silent, Revocation::AtOnce, WayBack::DeepLink)
    );
}

#[test]
fn better_auth_renews_silently_and_takes_back_the_refresh_token_alone() {
    let server = Server::node("better-auth.mjs");
    let seen = Visit::begin(&server).finish();
    let set_up = "Its MCP plugin with dynamic registration turned on; e-mail and password. Access tokens are JWTs. Tokens of 20 s.";
    seen.record("better-auth", &server, set_up);
    assert_eq!(
        (seen.renewal, seen.revocation, seen.way_back),
        (Renewal::Silent, Revocation::RefreshTokenOnly, WayBack::DeepLink)
    );
}

#[test]
fn cloudflares_provider_is_signed_in_to_by_loopback_renews_silently_and_revokes() {
    let server = Server::node("workers-oauth-provider.mjs");
    let seen = Visit::begin(&server).finish();
    seen.record(
        "workers-oauth-provider",
        &server,
        "In workerd, as Cloudflare runs it. Tokens of 60 s, the least that it allows.",
    );
    assert_eq!(
        (seen.renewal, seen.revocation, seen.way_back),
        (Renewal::Silent, Revocation::AtOnce, WayBack::Loopback)
    );
}
