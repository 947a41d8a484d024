//! Accounts to and from a file for another computer. The person chooses the file in the system's own dialog: the page
//! names none.

use crate::agent::Agent;
use crate::language;
use keybearer_protocol::settings::{Language, Settings};
use keybearer_protocol::transfer::{
    TransferExport, TransferExportReply, TransferImport, TransferImportReply, TransferParams,
};
use keybearer_protocol::{ErrorCode, ErrorObject};
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// What a file is called until a person says otherwise.
const NAME: &str = "keybearer-accounts.json";

/// The file that was chosen last to import, as long as its passphrase is asked for.
#[derive(Debug, Default)]
pub struct Chosen(Mutex<Option<String>>);

/// Writes all accounts into a file; with a passphrase, sealed and with their sign-ins. Nothing, where none was chosen.
pub async fn export(
    agent: &Arc<Agent>,
    settings: Option<Settings>,
    passphrase: Option<SecretString>,
) -> Result<Option<TransferExportReply>, ErrorObject> {
    let title = match language::of(settings.as_ref()) {
        Language::English => "Export servers",
        Language::SimplifiedChinese => "导出服务器",
    };
    let dialog = rfd::AsyncFileDialog::new().set_title(title).set_file_name(NAME).add_filter("JSON", &["json"]);
    let Some(file) = dialog.save_file().await else { return Ok(None) };
    let params = TransferParams { file: named(file.path().to_owned())?, passphrase };
    agent.request::<TransferExport>(params).await.map(Some)
}

/// Adds the accounts of a file. Nothing, where none was chosen.
pub async fn import(
    agent: &Arc<Agent>,
    settings: Option<Settings>,
    chosen: &Chosen,
) -> Result<Option<TransferImportReply>, ErrorObject> {
    let title = match language::of(settings.as_ref()) {
        Language::English => "Import servers",
        Language::SimplifiedChinese => "导入服务器",
    };
    let dialog = rfd::AsyncFileDialog::new().set_title(title).add_filter("JSON", &["json"]);
    let Some(file) = dialog.pick_file().await else { return Ok(None) };
    let file = named(file.path().to_owned())?;
    *chosen.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(file.clone());
    agent.request::<TransferImport>(TransferParams { file, passphrase: None }).await.map(Some)
}

/// The same for the file that was chosen last, now that its passphrase is known.
pub async fn open(
    agent: &Arc<Agent>,
    chosen: &Chosen,
    passphrase: SecretString,
) -> Result<TransferImportReply, ErrorObject> {
    let file = chosen.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let file = file.ok_or_else(|| ErrorObject::new(ErrorCode::NotThere, "no file was chosen"))?;
    agent.request::<TransferImport>(TransferParams { file, passphrase: Some(passphrase) }).await
}

fn named(path: PathBuf) -> Result<String, ErrorObject> {
    let unfit = |_| ErrorObject::new(ErrorCode::Usage, "the file's name isn't Unicode");
    path.into_os_string().into_string().map_err(unfit)
}
