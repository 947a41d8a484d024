//! Lines and their limits: one JSON object per line, strict (REQ-F1, REQ-F2).

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

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
