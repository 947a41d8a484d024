//! Lines and their limits: one JSON object per line, strict (REQ-F1, REQ-F2).

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;
use zeroize::Zeroize;

/// The most that a line may hold, its end included, in bytes; checked before anything is parsed.
pub const LIMIT: usize = 64 * 1024;
/// How deep objects and arrays may nest.
const DEPTH: usize = 16;

/// Why a line is not accepted. No variant quotes the line: it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Over [`LIMIT`].
    #[error("a line is longer than 64 KiB")]
    TooLong,
    /// A control character outside JSON's escapes.
    #[error("a line holds a raw control character")]
    ControlCharacter,
    /// Not JSON, or too deep, or with a key twice.
    #[error("a line isn't JSON without duplicate keys and at most 16 levels deep")]
    NotJson,
    /// JSON, but no object; batches don't exist.
    #[error("a line isn't a JSON object")]
    NotAnObject,
}

/// Reads a line, without its end.
pub fn parse(line: &[u8]) -> Result<Value, FrameError> {
    if line.len() >= LIMIT {
        return Err(FrameError::TooLong);
    }
    if line.iter().any(|byte| byte.is_ascii_control()) {
        return Err(FrameError::ControlCharacter);
    }
    let mut json = serde_json::Deserializer::from_slice(line);
    let value = Strict { depth: DEPTH }.deserialize(&mut json).map_err(|_| FrameError::NotJson)?;
    json.end().map_err(|_| FrameError::NotJson)?;
    if value.is_object() { Ok(value) } else { Err(FrameError::NotAnObject) }
}

/// How much is read at one time, in bytes: more than most lines hold.
const PIECE: usize = 2 * 1024;

/// What is kept for the next lines at most, in bytes.
const LARGE: usize = 4 * PIECE;

/// The lines in a stream of bytes. Nothing of one that was taken stays here: it may have held a secret, and the stream may
/// go on for long.
#[derive(Debug, Default)]
pub struct Lines {
    /// What came and wasn't taken yet.
    bytes: Vec<u8>,
    /// How many of them are known to end no line.
    looked_at: usize,
}

impl Lines {
    /// Where the next bytes go: there is room for some behind those that are there.
    pub fn room(&mut self) -> &mut Vec<u8> {
        if self.bytes.len() == self.bytes.capacity() {
            // By hand, since what grows by itself leaves its old bytes behind.
            let mut grown = Vec::with_capacity(self.bytes.len() + self.bytes.len().max(PIECE));
            grown.extend_from_slice(&self.bytes);
            std::mem::replace(&mut self.bytes, grown).zeroize();
        }
        &mut self.bytes
    }

    /// Whether a line has begun and not ended.
    pub fn is_partial(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Reads the next line, without its end, if there is a whole one. One over [`LIMIT`] is an error before its end has
    /// come, and the last: where the next would begin, nobody knows.
    pub fn next<T>(&mut self, read: impl FnOnce(Result<&[u8], FrameError>) -> T) -> Option<T> {
        let end = self.bytes.iter().skip(self.looked_at).position(|byte| *byte == b'\n');
        let Some(end) = end.map(|end| self.looked_at + end).filter(|end| *end < LIMIT) else {
            self.looked_at = self.bytes.len();
            return (self.looked_at >= LIMIT).then(|| read(Err(FrameError::TooLong)));
        };
        let (line, rest) = self.bytes.split_at_mut(end + 1);
        let (text, left) = (read(Ok(line.strip_suffix(b"\n").unwrap_or(line))), rest.len());
        self.bytes.copy_within(end + 1.., 0);
        // What lies behind the rest now is a copy of it, or the line's own.
        self.bytes.get_mut(left..).unwrap_or_default().zeroize();
        self.bytes.truncate(left);
        self.looked_at = 0;
        if left == 0 && self.bytes.capacity() > LARGE {
            // A long line was an exception; a connection that rests needs no room for another.
            self.bytes = Vec::new();
        }
        Some(text)
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// Builds a [`Value`] with no key twice, down to a depth.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Strict, E> {
        self.depth.checked_sub(1).map(|depth| Strict { depth }).ok_or_else(|| E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(deeper)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(deeper)?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("a key twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_whole_however_they_came_in_and_leave_nothing_behind() {
        let mut lines = Lines::default();
        for piece in ["fir", "st\nsec", "ond\n", "\n", "th"] {
            lines.room().extend_from_slice(piece.as_bytes());
        }
        let next = |lines: &mut Lines| lines.next(|line| line.map(<[u8]>::to_vec));
        let all: Vec<_> = std::iter::from_fn(|| next(&mut lines)).collect();
        assert_eq!(all, [Ok(b"first".to_vec()), Ok(b"second".to_vec()), Ok(Vec::new())]);
        assert!(lines.is_partial());
        let rest = &lines.bytes;
        assert_eq!(rest, b"th");
        // A line may hold one byte less than the limit, and its end.
        lines.room().extend(vec![b'x'; LIMIT - 3]);
        assert_eq!(next(&mut lines), None);
        lines.room().extend(b"\n");
        assert_eq!(next(&mut lines).map(|line| line.map(|line| line.len())), Some(Ok(LIMIT - 1)));
        for end in ["\n", ""] {
            let mut lines = Lines::default();
            lines.room().extend(vec![b'x'; LIMIT]);
            lines.room().extend(end.bytes());
            assert_eq!(next(&mut lines), Some(Err(FrameError::TooLong)));
        }
    }

    #[test]
    fn only_one_clean_object_passes() {
        let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(br#"{"id":1,"params":{"x":[true,null,-1,1.5,"\n"]}}"#).is_ok());
        assert!(parse(deep(DEPTH - 1).as_bytes()).is_ok());
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(LIMIT));
        for (line, error) in [
            (deep(DEPTH), FrameError::NotJson),
            (deep(30_000), FrameError::NotJson),
            (r#"{"a":1,"a":2}"#.to_owned(), FrameError::NotJson),
            (r#"{"a":{"b":1,"b":2}}"#.to_owned(), FrameError::NotJson),
            ("{}{}".to_owned(), FrameError::NotJson),
            ("{\"a\":\r1}".to_owned(), FrameError::ControlCharacter),
            ("{\"a\":\t1}".to_owned(), FrameError::ControlCharacter),
            ("[{}]".to_owned(), FrameError::NotAnObject),
            ("1".to_owned(), FrameError::NotAnObject),
            (String::new(), FrameError::NotJson),
            (long, FrameError::TooLong),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(error), "{}", &line[..line.len().min(40)]);
        }
        assert_eq!(parse(b"{\"a\":\"\xff\"}"), Err(FrameError::NotJson));
    }
}
