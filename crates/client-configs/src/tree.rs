//! What a file says, with the place of each word; the same for all formats.

use serde_json::Value;
use std::ops::Range;
use zeroize::Zeroizing;

/// The deepest that a file may be nested.
pub(crate) const DEPTH: usize = 64;

/// A value with its place. It prints nothing of itself: it may be a token.
#[derive(Clone)]
pub(crate) struct Node {
    /// Its place in the text, in bytes.
    pub(crate) span: Range<usize>,
    pub(crate) kind: Kind,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Map(Vec<Member>),
    List(Vec<Node>),
    Text(Zeroizing<String>),
    Bool(bool),
    /// Numbers, dates, nothing at all: as written.
    Other(String),
}

/// A key with its value.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

/// What is to become of one value.
#[derive(Clone)]
pub(crate) struct Change {
    /// The keys that lead to it.
    pub(crate) path: Vec<String>,
    /// What it becomes; none if it goes.
    pub(crate) to: Option<Value>,
}

impl Node {
    /// A file that says nothing yet.
    pub(crate) fn empty() -> Self {
        Node { span: 0..0, kind: Kind::Map(Vec::new()) }
    }

    pub(crate) fn members(&self) -> &[Member] {
        match &self.kind {
            Kind::Map(members) => members,
            Kind::List(_) | Kind::Text(_) | Kind::Bool(_) | Kind::Other(_) => &[],
        }
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map(_))
    }

    pub(crate) fn member(&self, key: &str) -> Option<&Member> {
        self.members().iter().find(|member| member.key == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.member(key).map(|member| &member.value)
    }

    pub(crate) fn at<S: AsRef<str>>(&self, path: &[S]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key.as_ref()))
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            Kind::Map(_) | Kind::List(_) | Kind::Bool(_) | Kind::Other(_) => None,
        }
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(flag) => Some(flag),
            Kind::Map(_) | Kind::List(_) | Kind::Text(_) | Kind::Other(_) => None,
        }
    }

    pub(crate) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Map(_) | Kind::Text(_) | Kind::Bool(_) | Kind::Other(_) => &[],
        }
    }

    /// The key that stands twice in one map here, if one does: clients differ in which of the two they read.
    pub(crate) fn doubled_key(&self) -> Option<&Member> {
        match &self.kind {
            Kind::Map(members) => {
                let mut seen = std::collections::HashSet::new();
                let doubled = members.iter().find(|member| !seen.insert(&member.key));
                doubled.or_else(|| members.iter().find_map(|member| member.value.doubled_key()))
            }
            Kind::List(items) => items.iter().find_map(Node::doubled_key),
            Kind::Text(_) | Kind::Bool(_) | Kind::Other(_) => None,
        }
    }

    /// The value as JSON; what is neither text nor a flag as a text of how it was written, marked so that it equals no text.
    pub(crate) fn value(&self) -> Value {
        match &self.kind {
            Kind::Map(members) => members.iter().map(|member| (member.key.clone(), member.value.value())).collect(),
            Kind::List(items) => items.iter().map(Node::value).collect(),
            Kind::Text(text) => Value::String(text.to_string()),
            Kind::Bool(flag) => Value::Bool(*flag),
            Kind::Other(written) => match written.parse::<serde_json::Number>() {
                Ok(number) => Value::Number(number),
                Err(_) if matches!(written.as_str(), "" | "null" | "~") => Value::Null,
                Err(_) => Value::String(format!("\u{0}{written}")),
            },
        }
    }
}

/// Whether a value, or one in it, is only known as it was written.
pub(crate) fn is_only_known(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with('\u{0}'),
        Value::Array(items) => items.iter().any(is_only_known),
        Value::Object(members) => members.values().any(is_only_known),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether two states of a file differ by these changes and by nothing else.
pub(crate) fn differ_by(before: &Node, after: &Node, changes: &[Change]) -> bool {
    let mut expected = before.value();
    changes.iter().all(|change| make(&mut expected, change)) && same(&expected, &after.value())
}

/// Makes a change in a value; false if the way to it isn't one.
fn make(value: &mut Value, change: &Change) -> bool {
    let Some((last, way)) = change.path.split_last() else { return false };
    let mut at = value;
    for key in way {
        if at.is_null() {
            *at = Value::Object(serde_json::Map::new());
        }
        let Some(map) = at.as_object_mut() else { return false };
        if change.to.is_none() && !map.contains_key(key) {
            return true;
        }
        at = map.entry(key.clone()).or_insert(Value::Null);
    }
    if at.is_null() {
        *at = Value::Object(serde_json::Map::new());
    }
    let Some(map) = at.as_object_mut() else { return false };
    match &change.to {
        Some(to) => drop(map.insert(last.clone(), to.clone())),
        None => drop(map.shift_remove(last)),
    }
    true
}

/// Whether two values say the same. A map without members is as good as nothing: a format may have no word for it.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len() && one.iter().all(|(key, value)| other.get(key).is_some_and(|it| same(value, it)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(map), Value::Null) | (Value::Null, Value::Object(map)) => map.is_empty(),
        _ => one == other,
    }
}
