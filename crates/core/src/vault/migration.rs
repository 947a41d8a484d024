//! Records of an older shape, brought to the present one step by step when they are read. What is written next is of the
//! present shape; until then the item stays as it was.

use super::VaultError;
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

/// Brings a record from one version to the next.
pub(super) type Step = fn(&mut Map<String, Value>);

/// What every version of every record has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// The record in the shape that the last of these steps leads to; the first leads from version 1 to 2. Nothing if it is
/// of that shape already.
pub(super) fn migrate(content: &[u8], steps: &[Step]) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    let unreadable = |error: serde_json::Error| VaultError::Unreadable(super::place(&error));
    let Versioned { version } = serde_json::from_slice(content).map_err(unreadable)?;
    let newest = newest(steps);
    if version > newest {
        return Err(VaultError::Unreadable("a newer Keybearer wrote it".to_owned()));
    }
    if version == newest {
        return Ok(None);
    }
    let mut record: Map<String, Value> = serde_json::from_slice(content).map_err(unreadable)?;
    bring(&mut record, steps);
    let migrated = serde_json::to_vec(&record).map(Zeroizing::new);
    record.values_mut().for_each(wipe);
    migrated.map(Some).map_err(unreadable)
}

/// Takes the steps that a record has not gone yet, and those within it: a record may hold another.
pub(super) fn bring(record: &mut Map<String, Value>, steps: &[Step]) {
    let done = record.get("version").and_then(Value::as_u64).and_then(|version| usize::try_from(version).ok());
    // One without a version is no record of ours, and is found out when it is read.
    for step in steps.iter().skip(done.unwrap_or(usize::MAX).saturating_sub(1)) {
        step(record);
    }
    record.insert("version".to_owned(), newest(steps).into());
}

/// The version that these steps lead to.
pub(super) fn newest(steps: &[Step]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX).saturating_add(1)
}

/// Nothing of what was secret stays in memory.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(values) => values.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
