//! The pages a person sees: the consent page, the error page, and a page that is no MCP server at all.

use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use url::Url;

use crate::{authorization::Account, authorize::AuthorizationRequest, client::Client, random::unguessable};

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c1b22; --soft: #5b5966; --paper: #f4f3f7; --card: #fff; --line: #d8d6df; --accent: #3b3fb6; --on-accent: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #f1f0f5; --soft: #b3b1bd; --paper: #17161c; --card: #222129; --line: #45434f; --accent: #aeb1ff; --on-accent: #16161d; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 27rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem; }
h1 { margin: 0 0 .75rem; font-size: 1.35rem; line-height: 1.3; overflow-wrap: anywhere; }
p, ul { margin: 0 0 1rem; color: var(--soft); overflow-wrap: anywhere; }
ul { padding-left: 1.25rem; }
fieldset { margin: 0 0 1.5rem; padding: .5rem 1rem; border: 1px solid var(--line); border-radius: .6rem; }
legend { padding: 0 .4rem; font-weight: 600; }
label { display: flex; gap: .6rem; align-items: center; min-height: 2.75rem; }
input:not(.code) { width: 1.1rem; height: 1.1rem; accent-color: var(--accent); }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; }
button { flex: 1; min-height: 2.75rem; border: 1px solid var(--line); border-radius: .6rem; background: none; color: inherit; font: inherit; font-weight: 600; cursor: pointer; }
button.allow { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
";

/// Asks the person whether the client may act for one of the two accounts.
pub fn consent(client: &Client, request: &AuthorizationRequest, ticket: &str) -> Response {
    let name = escaped(client.name.as_deref().unwrap_or(&client.client_id));
    let scopes = scope_list(&request.scopes);
    let form = decision_form("/authorize/decision", ticket);
    let host = escaped(&addressee(&request.redirect_uri));
    let body = format!(
        r#"<h1>Allow {name} to use the practice server?</h1>
<p>The answer goes to <strong>{host}</strong>. It may then:</p>
<ul>{scopes}</ul>
{form}"#
    );
    page(StatusCode::OK, "Allow access?", &body)
}

/// The two accounts, and the person's answer.
fn decision_form(action: &str, ticket: &str) -> String {
    let accounts = Account::ALL.map(account_choice).join("\n");
    format!(
        r#"<form method="post" action="{action}">
<input type="hidden" name="ticket" value="{ticket}">
<fieldset>
<legend>Account</legend>
{accounts}
</fieldset>
<div class="buttons">
<button class="allow" name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</div>
</form>"#
    )
}

/// Asks the person for the code that a device shows.
pub fn device_code() -> Response {
    let body = r#"<h1>Sign in on a device</h1>
<form method="get" action="/device">
<label>The code that it shows <input class="code" name="user_code" autocomplete="off" autofocus></label>
<div class="buttons"><button class="allow">Go on</button></div>
</form>"#;
    page(StatusCode::OK, "Sign in on a device", body)
}

/// Asks the person whether the client on the device that shows this code may act for one of the two accounts.
pub fn device_consent(client: &Client, scopes: &[String], user_code: &str) -> Response {
    let name = escaped(client.name.as_deref().unwrap_or(&client.client_id));
    let scopes = scope_list(scopes);
    let form = decision_form("/device/decision", user_code);
    let body = format!(
        r#"<h1>Allow {name} on a device to use the practice server?</h1>
<p>Only if the device shows <strong>{user_code}</strong>. It may then:</p>
<ul>{scopes}</ul>
{form}"#
    );
    page(StatusCode::OK, "Allow access?", &body)
}

/// Tells the person that the device goes on by itself.
pub fn device_done() -> Response {
    page(StatusCode::OK, "Done", "<h1>Done</h1>\n<p>You can go back to the device.</p>")
}

/// Tells the person why there is nothing to decide.
pub fn error(message: &str) -> Response {
    let body = format!("<h1>This sign-in cannot go on</h1>\n<p>{}</p>", escaped(message));
    page(StatusCode::BAD_REQUEST, "Sign-in error", &body)
}

/// `/plain`: what a person gets who mistakes a web page for an MCP server.
pub async fn plain() -> Response {
    page(StatusCode::OK, "A page", "<h1>A page</h1>\n<p>There is no MCP server at this address.</p>")
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let nonce = unguessable();
    let html = format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – practice server</title>
<style nonce="{nonce}">{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"#
    );
    // No `form-action`: Chromium applies it to the redirect that follows the form, and that leads to the client.
    let policy = format!("default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'");
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (status, headers, Html(html)).into_response()
}

fn scope_list(scopes: &[String]) -> String {
    scopes.iter().map(|scope| format!("<li><code>{}</code></li>", escaped(scope))).collect()
}

fn account_choice(account: Account) -> String {
    let name = account.name();
    let checked = if account == Account::Ada { " checked" } else { "" };
    format!(r#"<label><input type="radio" name="account" value="{name}"{checked}> {name}</label>"#)
}

/// Where the answer goes, in words short enough to be read: host and port, or the app's own scheme.
fn addressee(redirect_uri: &str) -> String {
    let Ok(url) = Url::parse(redirect_uri) else {
        return redirect_uri.to_owned();
    };
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => url.scheme().to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(escaped(r#"<b title="x">'&"#), "&lt;b title=&quot;x&quot;&gt;&#39;&amp;");
    }

    #[test]
    fn the_addressee_is_a_host_or_a_scheme() {
        assert_eq!(addressee("http://127.0.0.1:4000/callback"), "127.0.0.1:4000");
        assert_eq!(addressee("com.example.app:/callback"), "com.example.app");
    }
}
