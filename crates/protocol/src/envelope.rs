//! The envelope of an MCP message that passes by: whether it asks or answers, and under which id. It is found while the
//! bytes go through, however long the message is, and nothing else of it is looked at or kept.

use serde_json::Value;
use std::fmt;

/// What is kept of a key or value that matters, in bytes: ids and methods are short.
const KEPT: usize = 1024;
/// The most messages of one batch (MCP 2025-03-26) whose envelopes are kept.
pub const BATCH: usize = 256;
/// Up to here, every whole number is one of JavaScript's.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// What tells requests apart: a text or a number, which JSON may write in several ways.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// The id that this value is, if it is one.
    pub fn of(value: &Value) -> Option<MessageId> {
        match value {
            Value::String(_) => Some(MessageId(value.to_string())),
            Value::Number(number) => {
                let float = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0);
                let whole = float.filter(|float| float.abs() <= WHOLE);
                Some(MessageId(whole.map_or_else(|| number.to_string(), |whole| format!("{whole:.0}"))))
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The same as a value.
    pub fn to_value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for MessageId {
    /// As JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stands on the outside of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Its id.
    pub id: Option<MessageId>,
    /// Its method.
    pub method: Option<String>,
    /// Whether it has a `result` or an `error`.
    pub has_outcome: bool,
}

impl Envelope {
    /// The id that an answer to this will have, if one is expected.
    pub fn asks(&self) -> Option<&MessageId> {
        self.id.as_ref().filter(|_| self.method.is_some())
    }

    /// The id of the request that this answers, if it answers one.
    pub fn answers(&self) -> Option<&MessageId> {
        self.id.as_ref().filter(|_| self.method.is_none() && self.has_outcome)
    }
}

/// Reads a message as it passes. What isn't JSON gives envelopes that mean nothing, and does no harm.
#[derive(Debug, Default)]
pub struct Scanner {
    found: Vec<Envelope>,
    /// How many objects and arrays are open.
    depth: usize,
    /// How many are open around what a message has at its top: one more in a batch.
    top: usize,
    /// The message that is open.
    message: Option<Envelope>,
    text: Text,
    /// The key or value at the top that is being read.
    kept: Vec<u8>,
    is_too_long: bool,
    /// What the value that is being read is for; none while a key is.
    field: Option<Field>,
}

/// Where in a text a byte lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    Escaped,
}

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Id,
    Method,
    Outcome,
    Other,
}

impl Scanner {
    /// Takes the next bytes of the message.
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.take(*byte);
        }
    }

    /// The message has ended: what it is, or what those in the batch are, up to [`BATCH`]. The next one begins.
    pub fn end(&mut self) -> Vec<Envelope> {
        std::mem::take(self).found
    }

    fn take(&mut self, byte: u8) {
        match (self.text, byte) {
            (Text::Outside, _) => self.take_outside(byte),
            (Text::Inside, b'"') => {
                self.keep(byte);
                self.text = Text::Outside;
            }
            (Text::Inside, b'\\') => {
                self.keep(byte);
                self.text = Text::Escaped;
            }
            (Text::Inside | Text::Escaped, _) => {
                self.keep(byte);
                self.text = Text::Inside;
            }
        }
    }

    fn take_outside(&mut self, byte: u8) {
        match byte {
            b'{' | b'[' => {
                if self.depth == 0 {
                    self.top = if byte == b'[' { 2 } else { 1 };
                }
                self.depth += 1;
                if self.depth == self.top && byte == b'{' {
                    self.message = Some(Envelope::default());
                    self.next_entry();
                }
            }
            b'}' | b']' => {
                if self.is_at_top() {
                    self.end_value();
                    let message = self.message.take();
                    self.found.extend(message.filter(|_| self.found.len() < BATCH));
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b':' if self.is_at_top() => self.end_key(),
            b',' if self.is_at_top() => {
                self.end_value();
                self.next_entry();
            }
            b'"' => {
                self.keep(byte);
                self.text = Text::Inside;
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            other => self.keep(other),
        }
    }

    /// Whether what comes next is a key or value of the message itself.
    fn is_at_top(&self) -> bool {
        self.message.is_some() && self.depth == self.top
    }

    fn keep(&mut self, byte: u8) {
        let is_wanted = self.is_at_top() && !matches!(self.field, Some(Field::Outcome | Field::Other));
        if is_wanted && self.kept.len() < KEPT {
            self.kept.push(byte);
        } else if is_wanted {
            self.is_too_long = true;
        }
    }

    fn next_entry(&mut self) {
        self.kept.clear();
        (self.is_too_long, self.field) = (false, None);
    }

    fn end_key(&mut self) {
        let key: Option<String> = self.read();
        self.next_entry();
        self.field = Some(match key.as_deref() {
            Some("id") => Field::Id,
            Some("method") => Field::Method,
            Some("result" | "error") => Field::Outcome,
            Some(_) | None => Field::Other,
        });
    }

    fn end_value(&mut self) {
        let value: Option<Value> = self.read();
        let Some(message) = &mut self.message else { return };
        match self.field {
            Some(Field::Id) => message.id = value.as_ref().and_then(MessageId::of),
            Some(Field::Method) => message.method = value.as_ref().and_then(Value::as_str).map(str::to_owned),
            Some(Field::Outcome) => message.has_outcome = true,
            Some(Field::Other) | None => {}
        }
    }

    fn read<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.kept).ok().filter(|_| !self.is_too_long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn scanned(text: &[u8], pieces: usize) -> Vec<Envelope> {
        let mut scanner = Scanner::default();
        text.chunks(pieces).for_each(|piece| scanner.push(piece));
        scanner.end()
    }

    /// The same by a parser that reads the whole.
    fn parsed(text: &[u8]) -> Vec<Envelope> {
        let envelope = |message: &Value| Envelope {
            id: message.get("id").and_then(MessageId::of),
            method: message.get("method").and_then(Value::as_str).map(str::to_owned),
            has_outcome: message.get("result").or(message.get("error")).is_some(),
        };
        match serde_json::from_slice(text).expect("JSON") {
            Value::Array(batch) => batch.iter().filter(|message| message.is_object()).map(envelope).collect(),
            message @ Value::Object(_) => vec![envelope(&message)],
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        }
    }

    /// Texts with all that could be taken for something else.
    fn text() -> impl Strategy<Value = String> {
        let parts =
            ["id", "method", "result", "error", "params", "\"", "\\", "{", "}", "[", "]", ":", ",", "\n", "ü", ""];
        prop_oneof![proptest::sample::select(parts.to_vec()).prop_map(str::to_owned), "[\\x00-\\x7f]{0,6}"]
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((text(), inner), 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_message_is_what_a_parser_finds_however_it_is_written_and_cut(
            value in value(), pieces in 1_usize..9, pretty: bool,
        ) {
            let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
            let text = text.expect("JSON");
            prop_assert_eq!(scanned(&text, pieces), parsed(&text));
        }

        #[test]
        fn what_is_no_json_does_no_harm(bytes: Vec<u8>, rest in value()) {
            let mut scanner = Scanner::default();
            scanner.push(&bytes);
            scanner.end();
            let text = rest.to_string().into_bytes();
            scanner.push(&text);
            prop_assert_eq!(scanner.end(), parsed(&text));
        }
    }

    #[test]
    fn requests_and_answers_are_told_apart_and_ids_are_the_same_however_they_are_written() {
        let only = |text: &str| scanned(text.as_bytes(), 3).pop().expect("a message");
        let asks = |text: &str| only(text).asks().map(MessageId::to_value);
        assert_eq!(asks(r#"{"id":7,"method":"ping"}"#), Some(json!(7)));
        assert_eq!(asks(r#"{ "\u0069d" : 7.0 , "method" : "ping" }"#), Some(json!(7)));
        assert_eq!(asks(r#"{"method":"ping","id":"\u0061"}"#), Some(json!("a")));
        assert_eq!(asks(r#"{"params":{"id":1},"method":"notifications/initialized"}"#), None);
        assert_eq!(asks(r#"{"id":null,"method":"ping"}"#), None);
        assert_eq!(asks(&format!(r#"{{"id":"{}","method":"ping"}}"#, "x".repeat(2 * KEPT))), None);
        assert_eq!(only(r#"{"id":-1,"result":{"id":2,"method":"x"}}"#).answers(), MessageId::of(&json!(-1)).as_ref());
        assert_eq!(only(r#"{"error":{},"id":1}"#).answers(), MessageId::of(&json!(1)).as_ref());
        assert_eq!(only(r#"{"id":1,"method":"sampling/createMessage"}"#).answers(), None);
    }

    #[test]
    fn of_an_endless_batch_some_are_kept() {
        let batch = format!("[{}]", vec![r#"{"id":1,"method":"ping"}"#; 3 * BATCH].join(","));
        assert_eq!(scanned(batch.as_bytes(), 4096).len(), BATCH);
    }
}
