//! What was written, so that it can be taken back after a restart. No value of a file is in it.

use crate::client::Client;
use crate::error::Error;
use crate::own_file;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most that a record may hold, in bytes.
const LIMIT: u64 = 1 << 20;

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its random name.
    pub id: String,
    /// The client's [`id`](Client::id).
    pub client: String,
    /// The file.
    pub file: PathBuf,
    /// The entry's name in it.
    pub entry: String,
    /// The copy of the file as it was; none if there was no file. It holds what stood there, tokens included.
    pub backup: Option<PathBuf>,
    /// What the caller wants to find again with it.
    #[serde(default)]
    pub memo: BTreeMap<String, String>,
    /// The file's state before; none if there was no file.
    pub(crate) before: Option<String>,
    /// The file's state after.
    pub(crate) after: String,
    /// What was changed.
    pub(crate) edits: Vec<Edit>,
    /// The keys that were made to lead to the entry.
    pub(crate) made: Vec<Vec<String>>,
}

/// One value that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edit {
    pub(crate) path: Vec<String>,
    /// Tells what it became; none if it went.
    pub(crate) became: Option<String>,
    /// Whether something was there before.
    pub(crate) was_there: bool,
}

impl Receipt {
    /// The client whose file it is, if it is still known.
    pub fn client(&self) -> Option<Client> {
        Client::from_id(&self.client)
    }

    /// The record of this name.
    pub fn load(records: &Path, id: &str) -> Result<Self, Error> {
        let is_id = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let path = if is_id { place(records, id) } else { return Err(Error::NoReceipt) };
        let file = fs::File::open(&path).map_err(|_| Error::NoReceipt)?;
        let mut text = String::new();
        file.take(LIMIT).read_to_string(&mut text).map_err(|_| Error::NoReceipt)?;
        let receipt: Receipt = serde_json::from_str(&text).map_err(|_| Error::NoReceipt)?;
        if receipt.id == id { Ok(receipt) } else { Err(Error::NoReceipt) }
    }

    /// All records of this folder, those of the latest changes last.
    pub fn all(records: &Path) -> Vec<Self> {
        let mut receipts: Vec<_> = fs::read_dir(records)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let id = entry.file_name().to_str()?.strip_suffix(".json")?.to_owned();
                Some((entry.metadata().ok()?.modified().ok()?, Receipt::load(records, &id).ok()?))
            })
            .collect();
        receipts.sort_by_key(|(modified, _)| *modified);
        receipts.into_iter().map(|(_, receipt)| receipt).collect()
    }

    pub(crate) fn keep(&self, records: &Path) -> Result<(), Error> {
        let path = place(records, &self.id);
        let text = serde_json::to_vec(self).map_err(|error| Error::Unwritable {
            file: path.clone(),
            cause: error.to_string(),
            full: false,
        })?;
        own_file::create(&path, &text).map_err(|error| Error::unwritable(&path, &error))
    }

    /// Forgets it.
    pub(crate) fn drop_from(&self, records: &Path) {
        // One that stays behind is found to be done already.
        let _ = fs::remove_file(place(records, &self.id));
    }
}

fn place(records: &Path, id: &str) -> PathBuf {
    records.join(format!("{id}.json"))
}
