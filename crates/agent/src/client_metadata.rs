//! `--client-metadata`: the document that tells authorization servers who Keybearer is, printed for `keybearer
//! client-metadata`.

use crate::ready::failed;
use anyhow::Context as _;
use keybearer_core::error::Error;
use keybearer_core::home::Home;
use keybearer_core::redirect::uris;
use keybearer_core::settings::SettingsFile;
use keybearer_oauth::client_metadata::{ClientMetadata, DocumentAddress};
use keybearer_protocol::auth::CallbackKind;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Where the document lies, as far as the environment says.
pub(crate) fn in_environment() -> Option<String> {
    std::env::var("KEYBEARER_CLIENT_METADATA_URL").ok().filter(|url| !url.is_empty())
}

/// Prints it; where that can't be, says why.
pub(crate) fn run(root: Option<&Path>, url: Option<String>, callback: CallbackKind) -> ExitCode {
    match print(root, url, callback) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn print(root: Option<&Path>, url: Option<String>, callback: CallbackKind) -> anyhow::Result<()> {
    let unnamed = || Error::Usage("name the address where the document will lie: --url https://…".to_owned());
    let settings = SettingsFile::new(&Home::at(root)?).with_metadata_document(url.or_else(in_environment));
    let address: DocumentAddress = settings.metadata_document()?.ok_or_else(unnamed)?;
    let document = serde_json::to_string_pretty(&ClientMetadata::document(&address, &uris(callback)))?;
    writeln!(io::stdout(), "{document}").context("the document can't be printed")
}
