//! A file of this window's, saved where the person says in the system's own dialog: the page names none.

use keybearer_protocol::{ErrorCode, ErrorObject};

/// Has the person choose a file, for which this name and this kind (what it is called, and how its name ends) are
/// proposed, and writes this into it; tells its path. Nothing, where none was chosen.
pub async fn as_chosen(
    title: &str,
    name: &str,
    (kind, ending): (&str, &str),
    content: &[u8],
) -> Result<Option<String>, ErrorObject> {
    let dialog = rfd::AsyncFileDialog::new().set_title(title).set_file_name(name).add_filter(kind, &[ending]);
    let Some(file) = dialog.save_file().await else { return Ok(None) };
    let path = file.path().display().to_string();
    let failed = |error| ErrorObject::new(ErrorCode::StorageUnavailable, format!("{path} can't be written: {error}"));
    file.write(content).await.map_err(failed)?;
    Ok(Some(path))
}
