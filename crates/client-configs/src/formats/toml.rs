//! TOML.

use super::{Broken, NotEditable};
use crate::tree::{Change, DEPTH, Kind, Member, Node};
use serde_json::Value;
use toml_edit::{Array, Document, DocumentMut, InlineTable, Item, Key, Table, TableLike};
use zeroize::Zeroizing;

pub(super) fn read(text: &str) -> Result<Node, Broken> {
    let document = Document::parse(text).map_err(|error| Broken {
        at: error.span().map_or(0, |span| span.start),
        problem: "this isn't TOML".to_owned(),
    })?;
    let mut root = table(document.as_table(), 0)?;
    root.span = 0..text.len();
    Ok(root)
}

fn table(table: &dyn TableLike, depth: usize) -> Result<Node, Broken> {
    let mut members = Vec::new();
    for (name, item) in table.iter() {
        let key_span = table.key(name).and_then(Key::span).unwrap_or(0..0);
        let value = node(item, depth + 1).map_err(|broken| Broken { at: key_span.start, ..broken })?;
        members.push(Member { key: name.to_owned(), key_span, value });
    }
    Ok(Node { span: 0..0, kind: Kind::Map(members) })
}

fn node(item: &Item, depth: usize) -> Result<Node, Broken> {
    if depth > DEPTH {
        return Err(Broken { at: 0, problem: "it is nested too deeply".to_owned() });
    }
    let span = item.span().unwrap_or(0..0);
    let list = |items: Vec<Result<Node, Broken>>| Ok(Kind::List(items.into_iter().collect::<Result<_, _>>()?));
    let kind = match item {
        Item::None => Kind::Other(String::new()),
        Item::Table(inner) => table(inner, depth)?.kind,
        Item::ArrayOfTables(tables) => list(tables.iter().map(|inner| table(inner, depth + 1)).collect())?,
        Item::Value(toml_edit::Value::InlineTable(inner)) => table(inner, depth)?.kind,
        Item::Value(toml_edit::Value::Array(array)) => {
            list(array.iter().map(|value| node(&Item::Value(value.clone()), depth + 1)).collect())?
        }
        Item::Value(toml_edit::Value::String(text)) => Kind::Text(Zeroizing::new(text.value().clone())),
        Item::Value(toml_edit::Value::Boolean(flag)) => Kind::Bool(*flag.value()),
        Item::Value(value) => Kind::Other(value.to_string().trim().to_owned()),
    };
    Ok(Node { span, kind })
}

pub(super) fn edit(text: &str, changes: &[Change]) -> Result<Zeroizing<String>, NotEditable> {
    let mut document: DocumentMut = text.parse().map_err(|_| NotEditable("it can't be read"))?;
    // The last line is ended if it isn't.
    let written = Zeroizing::new(document.to_string());
    if *written != text && written.strip_suffix('\n') != Some(text) {
        return Err(NotEditable("its characters can't be kept as they are"));
    }
    for change in changes {
        make(document.as_table_mut(), &change.path, change.to.as_ref(), true)?;
    }
    Ok(Zeroizing::new(document.to_string()))
}

/// Makes a change; `in_tables` as long as the way leads through tables with headers, where a new one gets a header too.
fn make(at: &mut dyn TableLike, path: &[String], to: Option<&Value>, in_tables: bool) -> Result<(), NotEditable> {
    match (path, to) {
        ([], _) => Ok(()),
        ([last], None) => {
            at.remove(last);
            Ok(())
        }
        ([last], Some(to)) => {
            set(at, last, to, in_tables);
            Ok(())
        }
        ([key, rest @ ..], to) => {
            if !at.contains_key(key) {
                if to.is_none() {
                    return Ok(());
                }
                let mut inner = Table::new();
                // Its header stands for itself only once it has values of its own.
                inner.set_implicit(true);
                at.insert(key, if in_tables { Item::Table(inner) } else { toml_edit::value(InlineTable::new()) });
            }
            let item = at.get_mut(key).ok_or(NotEditable("a key can't be reached"))?;
            let in_tables = in_tables && item.is_table();
            let inner = item.as_table_like_mut().ok_or(NotEditable("a key holds something else than others"))?;
            make(inner, rest, to, in_tables)
        }
    }
}

fn set(at: &mut dyn TableLike, key: &str, to: &Value, in_tables: bool) {
    // A table gets a header of its own beside others that have one; among words it stays on its line.
    let has_header = in_tables && !at.iter().any(|(_, item)| item.is_value());
    match (at.get_mut(key), item(to, has_header)) {
        // What stands around the old value, such as a comment behind it, stays.
        (Some(Item::Value(old)), Item::Value(mut new)) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        (Some(old), new) => *old = new,
        (None, new) => drop(at.insert(key, new)),
    }
}

fn item(value: &Value, has_header: bool) -> Item {
    match value.as_object().filter(|_| has_header) {
        Some(members) => {
            Item::Table(members.iter().map(|(key, value)| (key.as_str(), Item::Value(inline(value)))).collect())
        }
        None => Item::Value(inline(value)),
    }
}

fn inline(value: &Value) -> toml_edit::Value {
    match value {
        Value::Null => "".into(),
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| number.as_f64().unwrap_or_default().into(), toml_edit::Value::from)
        }
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => toml_edit::Value::Array(items.iter().map(inline).collect::<Array>()),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| (key.as_str(), inline(value)));
            toml_edit::Value::InlineTable(members.collect::<InlineTable>())
        }
    }
}
