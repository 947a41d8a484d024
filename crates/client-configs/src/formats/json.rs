//! JSON with comments and trailing commas, as editors have it.

use super::{Broken, NotEditable};
use crate::tree::{Change, DEPTH, Kind, Member, Node};
use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use serde_json::Value;
use zeroize::Zeroizing;

/// What the clients' own readers take: comments and trailing commas, and nothing else beyond JSON.
fn options() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

pub(super) fn read(text: &str) -> Result<Node, Broken> {
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let parsed = parse_to_ast(text, &collect, &options())
        .map_err(|error| Broken { at: error.range().start, problem: error.kind().to_string() })?;
    match parsed.value {
        Some(value) => node(&value, 0),
        None => Ok(Node::empty()),
    }
}

fn node(value: &ast::Value<'_>, depth: usize) -> Result<Node, Broken> {
    let range = value.range();
    if depth > DEPTH {
        return Err(Broken { at: range.start, problem: "it is nested too deeply".to_owned() });
    }
    let kind = match value {
        ast::Value::Object(object) => Kind::Map(
            object
                .properties
                .iter()
                .map(|property| {
                    let key = property.name.range();
                    let value = node(&property.value, depth + 1)?;
                    Ok(Member { key: property.name.as_str().to_owned(), key_span: key.start..key.end, value })
                })
                .collect::<Result<_, _>>()?,
        ),
        ast::Value::Array(array) => {
            Kind::List(array.elements.iter().map(|element| node(element, depth + 1)).collect::<Result<_, _>>()?)
        }
        ast::Value::StringLit(text) => Kind::Text(Zeroizing::new(text.value.to_string())),
        ast::Value::BooleanLit(flag) => Kind::Bool(flag.value),
        ast::Value::NumberLit(number) => Kind::Other(number.value.to_owned()),
        ast::Value::NullKeyword(_) => Kind::Other("null".to_owned()),
    };
    Ok(Node { span: range.start..range.end, kind })
}

pub(super) fn edit(text: &str, changes: &[Change]) -> Result<Zeroizing<String>, NotEditable> {
    if text.trim().is_empty() {
        return edit("{}\n", changes);
    }
    let root = CstRootNode::parse(text, &options()).map_err(|_| NotEditable("it can't be read"))?;
    if root.to_string() != text {
        return Err(NotEditable("its characters can't be kept as they are"));
    }
    let whole = root.object_value_or_create().ok_or(NotEditable("it holds something else than keys with values"))?;
    for change in changes {
        make(&whole, change)?;
    }
    Ok(Zeroizing::new(root.to_string()))
}

fn make(whole: &CstObject, change: &Change) -> Result<(), NotEditable> {
    let Some((last, way)) = change.path.split_last() else { return Ok(()) };
    let mut at = whole.clone();
    for key in way {
        at = match (at.object_value(key), &change.to) {
            (Some(object), _) => object,
            (None, None) => return Ok(()),
            (None, Some(_)) => {
                at.object_value_or_create(key).ok_or(NotEditable("a key holds something else than others"))?
            }
        };
    }
    match (at.get(last), &change.to) {
        (Some(property), Some(to)) => property.set_value(input(to)),
        (Some(property), None) => property.remove(),
        (None, Some(to)) => drop(at.append(last, input(to))),
        (None, None) => {}
    }
    Ok(())
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(flag) => CstInputValue::Bool(*flag),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(members) => {
            CstInputValue::Object(members.iter().map(|(key, value)| (key.clone(), input(value))).collect())
        }
    }
}
