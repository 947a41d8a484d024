//! Newer versions of Keybearer: looked for when a person asks and never otherwise, and only where nobody else brings them,
//! as with an AppImage. One is offered only with the signature of whoever made this one.

use crate::keeper;
use keybearer_protocol::{ErrorCode, ErrorObject};
use serde_json::json;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tauri::utils::config::BundleType;
use tauri::utils::platform::bundle_type;
use tauri::{AppHandle, Builder, Context, Manager, Runtime};
use tauri_plugin_updater::{Error, Update, UpdaterExt};

/// The most that an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most that a newer version may take to come.
const DOWNLOAD: Duration = Duration::from_secs(15 * 60);

/// Where newer versions are asked for, and the key that they are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    key: &'static str,
    endpoint: &'static str,
}

impl Source {
    /// What was taken in as this was built, which `cargo xtask bundle --self-updating` names.
    pub fn built_in() -> Option<Source> {
        let named = (option_env!("KEYBEARER_UPDATE_KEY"), option_env!("KEYBEARER_UPDATE_ENDPOINT"));
        Source::of(named, bundle_type())
    }

    /// A package is updated by whoever installed it, even if its executable was built for something else.
    fn of(named: (Option<&'static str>, Option<&'static str>), made_as: Option<BundleType>) -> Option<Source> {
        let (Some(key), Some(endpoint)) = named else { return None };
        let alone = [BundleType::AppImage, BundleType::Nsis, BundleType::App, BundleType::Dmg];
        made_as.filter(|made_as| alone.contains(made_as)).map(|_| Source { key, endpoint })
    }
}

/// The version that was found, checked, and waits for the person.
#[derive(Default)]
pub struct Found(Mutex<Option<(Update, Vec<u8>)>>);

/// Has the window know newer versions, where it brings them itself.
pub fn plug<R: Runtime>(builder: Builder<R>, context: &mut Context<R>, source: Option<Source>) -> Builder<R> {
    let Some(source) = source else { return builder };
    let settings = json!({
        "pubkey": source.key,
        "endpoints": [source.endpoint],
        // So that nobody passes an older version off as a newer one.
        "requireSignedVersion": true,
    });
    context.config_mut().plugins.0.insert("updater".to_owned(), settings);
    builder.plugin(tauri_plugin_updater::Builder::new().build()).manage(source).manage(Found::default())
}

/// Whether this one brings newer versions itself.
pub fn is_own<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.try_state::<Source>().is_some()
}

/// Looks for a newer version, downloads it and checks its signature; gives its number.
pub async fn find<R: Runtime>(app: &AppHandle<R>) -> Result<Option<String>, ErrorObject> {
    let Some(found) = app.try_state::<Found>() else { return Err(not_own()) };
    let checking = app.updater_builder().timeout(PATIENCE);
    let updater = checking.configure_client(|client| client.https_only(!cfg!(debug_assertions))).build();
    let Some(mut update) = updater.map_err(|error| failed(&error))?.check().await.map_err(|error| failed(&error))?
    else {
        return Ok(None);
    };
    update.timeout = Some(DOWNLOAD);
    let bytes = update.download(|_, _| (), || ()).await.map_err(|error| failed(&error))?;
    let version = update.version.clone();
    *found.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((update, bytes));
    Ok(Some(version))
}

/// Puts the version that was found in the place of this one, and starts it.
pub fn install(app: &AppHandle) -> Result<(), ErrorObject> {
    let Some(found) = app.try_state::<Found>() else { return Err(not_own()) };
    let Some((update, bytes)) = found.0.lock().unwrap_or_else(PoisonError::into_inner).take() else {
        return Err(ErrorObject::new(ErrorCode::NotThere, "no newer version was found yet"));
    };
    // Windows replaces no file that runs, and the installer ends this process.
    if cfg!(windows) {
        keeper::end(app);
    }
    let installed = update.install(bytes).map_err(|error| failed(&error));
    if installed.is_ok() || cfg!(windows) {
        keeper::end(app);
        app.restart();
    }
    installed
}

fn not_own() -> ErrorObject {
    ErrorObject::new(ErrorCode::NotThere, "this Keybearer is updated by whoever installed it")
}

fn failed(error: &Error) -> ErrorObject {
    let refused = matches!(
        error,
        Error::Minisign(_)
            | Error::Base64(_)
            | Error::SignatureUtf8(_)
            | Error::MissingSignedVersion
            | Error::SignedVersionMismatch { .. }
    );
    let (code, reason) = if refused {
        (ErrorCode::ProviderError, "update_refused")
    } else {
        (ErrorCode::ProviderUnreachable, "update_unreachable")
    };
    ErrorObject::new(code, error.to_string()).with_reason(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;
    use tauri::test::{MockRuntime, mock_builder, mock_context, noop_assets};

    /// Made by `tauri signer generate`; nobody has the other half.
    const KEY: &str = concat!(
        "dW50cnVzdGVkIGNvbW1lbnQ6IG1pbmlzaWduIHB1YmxpYyBrZXk6IEZENjYxRjFGOUYxQjZBMDYKUldRR2FodWZIeDltL2Qr",
        "UXNFaGhub3JWWGFDSGkyTkpXU0R5OXp0c0J3UzRNVkl4MUVTdVljSlcK",
    );
    /// What that key has signed, as version 9.9.9.
    const NEWER: &[u8] = b"Keybearer 9.9.9, as a test has it";
    const SIGNED: &str = concat!(
        "dW50cnVzdGVkIGNvbW1lbnQ6IHNpZ25hdHVyZSBmcm9tIHRhdXJpIHNlY3JldCBrZXkKUlVRR2FodWZIeDltL1R5MTFxdXI4",
        "RE9ldnF4ZUEwSXhiSk5vOWEzYllGVDhFSTU3UDQzNTNXdGNoNHROeHdIaHBkRERmeVExbStEa2piTVkzcnNUbTBYQVBKR0g2",
        "bTNnVGc4PQp0cnVzdGVkIGNvbW1lbnQ6IHRpbWVzdGFtcDoxNzk1NDkyNzc3CWZpbGU6cGF5bG9hZAl2ZXJzaW9uOjkuOS45",
        "CjBYSlFtYk5lT01hVGMwRGQ1d3FmYlBsaDEyYVdiYjUyWXRMdGp2L3NNb0lYTHArMHM5TWhOTVZjVzdUR00wNGc0endQNENj",
        "azlHOFk3eGl3TTZVakJRPT0K",
    );
    /// The same by another key.
    const BY_ANOTHER: &str = concat!(
        "dW50cnVzdGVkIGNvbW1lbnQ6IHNpZ25hdHVyZSBmcm9tIHRhdXJpIHNlY3JldCBrZXkKUlVSZE11RysvaHlKVWlsYy9jL0sv",
        "S2hKVjFsNFpRZHh4Y1JIRDlaQ1Bxd3psVFlMb29Ccm1LeTBmYmRLTFNYS2pvdHZvWjMycDdxcWQrZm5iVnJ0ak9LK3ljQy9K",
        "MEZOUndjPQp0cnVzdGVkIGNvbW1lbnQ6IHRpbWVzdGFtcDoxNzk1NDkyNzc4CWZpbGU6cGF5bG9hZAl2ZXJzaW9uOjkuOS45",
        "CmRoN2pwQlZRbnJrTmpUZUpiRlhsTFEwcmMwMUpKZVBIa3g1MzRwUFdORHdBdnlXcjNpM3hyMUZvVy9iOUdLYkp5U2pTc2Rj",
        "NVpTamEvWXBpckVrR0JBPT0K",
    );
    /// The same by the right key, but as version 0.0.1.
    const AS_OLDER: &str = concat!(
        "dW50cnVzdGVkIGNvbW1lbnQ6IHNpZ25hdHVyZSBmcm9tIHRhdXJpIHNlY3JldCBrZXkKUlVRR2FodWZIeDltL1lxa0V0Zzcz",
        "SGpGLzgzdENLdm5KSjNLdk9hSW1PeENxZlREYVpXYlRnTDhtUGJDczRxVE9ZY0ZwZWxYcHg0T2tjVThRY0Q0WDJQUlNIWlJ1",
        "QlBZZWdJPQp0cnVzdGVkIGNvbW1lbnQ6IHRpbWVzdGFtcDoxNzk1NDkyNzc5CWZpbGU6cGF5bG9hZAl2ZXJzaW9uOjAuMC4x",
        "Ck9qS2xSYjZnS0IrRmJHa09VQUJTZWRIRzF4RTBndG1lUUpxc0VmbEpRRjlhU0pxOXBmSitYQmt5TUVsUFZtSmJsamU0RDQ0",
        "b0VIL2plTXZ3TjF6YkJRPT0K",
    );
    /// The same by the right key, but as no version.
    const AS_ANY: &str = concat!(
        "dW50cnVzdGVkIGNvbW1lbnQ6IHNpZ25hdHVyZSBmcm9tIHRhdXJpIHNlY3JldCBrZXkKUlVRR2FodWZIeDltL1o2OUxhWUli",
        "S1g0cElnMmNZTEh1bCt5V3I2Zks3clJTTHhBdTlvdEtqYVZzV2RSZldqbkVOMXVWNFJXcDI2b1BFVWZyODZEcURkV3pUc0Ro",
        "eFhZaVFrPQp0cnVzdGVkIGNvbW1lbnQ6IHRpbWVzdGFtcDoxNzk1NDk0MzEyCWZpbGU6cGF5bG9hZApWSGkyRTdBZWFqMVVR",
        "UDRXTzg2VW5PcDJiUnl6ZUZhR2U5dlBUYnMxblVyWnd3bXNxaEg1WWdXdGlDYnRwbEFWQlo4YytjU1hLdU5ZWjZIQVJMS2JC",
        "dz09Cg==",
    );

    /// A place for updates that has version 9.9.9 with this signature, whatever it is asked for.
    fn place(signature: &'static str, bytes: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("its address"));
        let told = json!({ "version": "9.9.9", "url": format!("{address}/newer"), "signature": signature }).to_string();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut asked = [0; 4096];
                let length = stream.read(&mut asked).unwrap_or_default();
                let body = if asked[..length].starts_with(b"GET /newer ") { bytes } else { told.as_bytes() };
                let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
            }
        });
        address
    }

    fn window(source: Option<Source>) -> tauri::App<MockRuntime> {
        let mut context = mock_context(noop_assets());
        plug(mock_builder(), &mut context, source).build(context).expect("a window without a screen")
    }

    fn found_at(signature: &'static str, bytes: &'static [u8]) -> Result<Option<String>, ErrorObject> {
        let app = window(Some(Source { key: KEY, endpoint: place(signature, bytes).leak() }));
        let found = tauri::async_runtime::block_on(find(app.handle()));
        let kept = app.state::<Found>().0.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        assert_eq!(kept, found.is_ok(), "what was refused is not kept");
        found
    }

    #[test]
    fn a_newer_version_is_offered_with_the_right_signature_alone() {
        assert_eq!(found_at(SIGNED, NEWER), Ok(Some("9.9.9".to_owned())));
        for (signature, bytes) in
            [(BY_ANOTHER, NEWER), (AS_OLDER, NEWER), (AS_ANY, NEWER), (SIGNED, b"something else"), ("", NEWER)]
        {
            let error = found_at(signature, bytes).expect_err("it isn't signed for this");
            assert_eq!(error.data.reason.as_deref(), Some("update_refused"), "{error}");
        }
    }

    #[test]
    fn packages_neither_look_for_newer_versions_nor_know_where() {
        let named = (Some(KEY), Some("https://updates.example.com/latest.json"));
        for made_as in [None, Some(BundleType::Deb), Some(BundleType::Rpm), Some(BundleType::Msi)] {
            assert_eq!(Source::of(named, made_as), None);
        }
        assert!(Source::of(named, Some(BundleType::AppImage)).is_some());
        assert_eq!(Source::of((None, named.1), Some(BundleType::AppImage)), None);
        let app = window(None);
        assert!(!is_own(app.handle()));
        let refused = tauri::async_runtime::block_on(find(app.handle())).expect_err("there is nothing to ask");
        assert_eq!(refused.known_code(), ErrorCode::NotThere);
    }
}
