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
/// A visit to one server.
mod visit;

use seen::{Renewal, Revocation, WayBack};
use server::Server;
use visit::Visit;

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
