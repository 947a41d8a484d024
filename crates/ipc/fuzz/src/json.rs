//! A line: what is read is what JSON says, and all that the rules refuse is refused (REQ-F1, REQ-F2).

use keybearer_ipc::frame::{FrameError, LIMIT, parse};
use serde_json::Value;

/// How deep objects and arrays may nest.
const DEPTH: usize = 16;

/// Takes the input as a line.
pub fn check(line: &[u8]) {
    let read = parse(line);
    let judged = judge(line);
    match (&read, &judged) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "another value was read"),
        (Err(ours), Err(theirs)) => assert_eq!(ours, theirs),
        (ours, theirs) => panic!("{ours:?} where {theirs:?} is right"),
    }
}

/// What the rules say, asked of another reader.
fn judge(line: &[u8]) -> Result<Value, FrameError> {
    if line.len() >= LIMIT {
        return Err(FrameError::TooLong);
    }
    if line.iter().any(|byte| *byte < 0x20 || *byte == 0x7f) {
        return Err(FrameError::ControlCharacter);
    }
    let value: Value = serde_json::from_slice(line).map_err(|_| FrameError::NotJson)?;
    // A key that stands twice is one entry of the value, and two colons in the line.
    if depth(&value) > DEPTH || entries(&value) != colons(line) {
        return Err(FrameError::NotJson);
    }
    if value.is_object() { Ok(value) } else { Err(FrameError::NotAnObject) }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(entries) => 1 + entries.values().map(depth).max().unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn entries(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(entries).sum(),
        Value::Object(map) => map.len() + map.values().map(entries).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The colons outside texts.
fn colons(line: &[u8]) -> usize {
    let (mut count, mut in_text, mut escaped) = (0, false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b':' if !in_text => count += 1,
            _ => {}
        }
    }
    count
}
