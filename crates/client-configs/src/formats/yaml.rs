//! YAML, as far as programs write it: block mappings, scalars, lists. There is no editor that keeps a YAML file as it is, so
//! whole lines are put in and taken out where the parser says that a key begins and ends. What is written otherwise where an
//! edit would be (in braces, with anchors) is left to a person.

use super::{Broken, NotEditable};
use crate::tree::{Change, DEPTH, Kind, Member, Node};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde_json::Value;
use std::ops::Range;
use zeroize::Zeroizing;

/// How far programs indent.
const STEP: usize = 2;

pub(super) fn read(text: &str) -> Result<Node, Broken> {
    let mut reader = Reader { text, offsets: offsets(text), events: Parser::new_from_str(text), documents: 0 };
    let mut root = None;
    while let Some(event) = reader.events.next() {
        let (event, span) = event.map_err(|error| reader.broken(&error))?;
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart(_) => {
                reader.documents += 1;
                if reader.documents > 1 {
                    return Err(reader.problem(span, "a second document begins here"));
                }
            }
            Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::SequenceEnd
            | Event::MappingStart(..)
            | Event::MappingEnd => root = Some(reader.node(event, span, 0)?),
        }
    }
    // A document of comments alone is a scalar without a word.
    let is_empty = |node: &Node| matches!(&node.kind, Kind::Other(written) if written.is_empty());
    Ok(root.filter(|node| !is_empty(node)).unwrap_or_else(Node::empty))
}

struct Reader<'t> {
    text: &'t str,
    /// Where each character begins, in bytes.
    offsets: Option<Vec<usize>>,
    events: Parser<'t, saphyr_parser::StrInput<'t>>,
    documents: usize,
}

/// The parser counts characters; for a text in ASCII they are bytes.
fn offsets(text: &str) -> Option<Vec<usize>> {
    (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect())
}

impl<'t> Reader<'t> {
    fn byte(&self, index: usize) -> usize {
        match &self.offsets {
            Some(offsets) => offsets.get(index).copied().unwrap_or(self.text.len()),
            None => index.min(self.text.len()),
        }
    }

    fn range(&self, span: Span) -> Range<usize> {
        let (start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
        start..end.max(start)
    }

    /// The place of a scalar. The parser counts what follows a closing quote along, a comment included.
    fn scalar(&self, span: Span, style: ScalarStyle) -> Range<usize> {
        let range = self.range(span);
        let quote = match style {
            ScalarStyle::SingleQuoted => '\'',
            ScalarStyle::DoubleQuoted => '"',
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => return range,
        };
        let mut letters = self.text[range.clone()].char_indices().skip(1).peekable();
        while let Some((at, c)) = letters.next() {
            let is_doubled =
                |next: Option<&(usize, char)>| quote == '\'' && next.is_some_and(|(_, next)| *next == '\'');
            if c == '\\' && quote == '"' || c == quote && is_doubled(letters.peek()) {
                letters.next();
            } else if c == quote {
                return range.start..range.start + at + 1;
            }
        }
        range
    }

    fn broken(&self, error: &ScanError) -> Broken {
        Broken { at: self.byte(error.marker().index()), problem: "this isn't YAML".to_owned() }
    }

    fn problem(&self, span: Span, problem: &str) -> Broken {
        Broken { at: self.range(span).start, problem: problem.to_owned() }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Broken> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.broken(&error)),
            None => Err(Broken { at: self.text.len(), problem: "the file ends too early".to_owned() }),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Broken> {
        if depth > DEPTH {
            return Err(self.problem(span, "it is nested too deeply"));
        }
        let mut range = self.range(span);
        let kind = match event {
            Event::MappingStart(..) => {
                let mut members = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::MappingEnd) {
                        break range.end = self.range(span).end.max(range.end);
                    }
                    let Event::Scalar(key, style, ..) = event else {
                        return Err(self.problem(span, "this key is no plain word"));
                    };
                    let key_span = self.scalar(span, style);
                    let (event, span) = self.next()?;
                    let mut value = self.node(event, span, depth + 1)?;
                    if matches!(&value.kind, Kind::Other(written) if written.is_empty()) {
                        value.span = key_span.end..key_span.end;
                    }
                    members.push(Member { key: key.into_owned(), key_span, value });
                }
                Kind::Map(members)
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        break range.end = self.range(span).end.max(range.end);
                    }
                    items.push(self.node(event, span, depth + 1)?);
                }
                Kind::List(items)
            }
            Event::Scalar(text, style, _, tag) => {
                range = self.scalar(span, style);
                match (style, &*text, tag) {
                    (ScalarStyle::Plain, "true" | "True" | "TRUE", None) => Kind::Bool(true),
                    (ScalarStyle::Plain, "false" | "False" | "FALSE", None) => Kind::Bool(false),
                    (ScalarStyle::Plain, text, None) if is_no_text(text) => Kind::Other(text.to_owned()),
                    _ => Kind::Text(Zeroizing::new(text.into_owned())),
                }
            }
            // What it stands for was read where it was named.
            Event::Alias(number) => Kind::Other(format!("*{number}")),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(self.problem(span, "this isn't YAML")),
        };
        Ok(Node { span: range, kind })
    }
}

/// Whether a plain scalar is nothing, or a number.
fn is_no_text(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL") || text.parse::<f64>().is_ok()
}

pub(super) fn edit(text: &str, changes: &[Change]) -> Result<Zeroizing<String>, NotEditable> {
    let mut text = Zeroizing::new(text.to_owned());
    for change in changes {
        let root = read(&text).map_err(|_| NotEditable("it can't be read"))?;
        if has_alias(&root) {
            return Err(NotEditable("a part of it stands for another, which would change along"));
        }
        let edited = match &change.to {
            Some(to) => set(&text, &root, &change.path, to)?,
            None => remove(&text, &root, &change.path)?,
        };
        *text = edited;
    }
    Ok(text)
}

fn has_alias(node: &Node) -> bool {
    match &node.kind {
        Kind::Map(members) => members.iter().any(|member| has_alias(&member.value)),
        Kind::List(items) => items.iter().any(has_alias),
        // No word without quotes begins like this.
        Kind::Other(written) => written.starts_with('*'),
        Kind::Text(_) | Kind::Bool(_) => false,
    }
}

fn set(text: &str, root: &Node, path: &[String], to: &Value) -> Result<String, NotEditable> {
    // The innermost map on the way that is there, and what leads on from it.
    let (mut at, mut depth) = (root, 0);
    let mut last = None;
    while let Some(member) = path.get(depth).and_then(|key| at.member(key)) {
        last = Some(member);
        depth += 1;
        at = &member.value;
    }
    let nested =
        |keys: &[String]| keys.iter().rev().fold(to.clone(), |value, key| [(key.clone(), value)].into_iter().collect());
    match last {
        // The value itself is there already.
        Some(member) if depth == path.len() => replace(text, member, to),
        Some(member) if at.members().is_empty() => {
            let is_nothing = at.is_map() || matches!(&at.kind, Kind::Other(_));
            if !is_nothing {
                return Err(NotEditable("a key holds something else than others"));
            }
            replace(text, member, &nested(&path[depth..]))
        }
        _ => {
            let indent = indent(text, at)?;
            let lines = member_lines(&path[depth], &nested(&path[depth + 1..]), indent);
            let end = at.members().last().map_or(text.len(), |member| line_end(text, end(text, member)));
            Ok(splice(text, end..end, &lines))
        }
    }
}

fn remove(text: &str, root: &Node, path: &[String]) -> Result<String, NotEditable> {
    let Some((key, way)) = path.split_last() else { return Ok(text.to_owned()) };
    let Some(map) = root.at(way) else { return Ok(text.to_owned()) };
    let Some(member) = map.member(key) else { return Ok(text.to_owned()) };
    indent(text, map)?;
    if let ([_], Some(parent)) = (map.members(), parent(root, way)) {
        // A key without a value would be nothing, and no map.
        return replace(text, parent, &Value::Object(serde_json::Map::new()));
    }
    Ok(splice(text, line_start(text, member.key_span.start)..line_end(text, end(text, member)), ""))
}

fn parent<'n>(root: &'n Node, way: &[String]) -> Option<&'n Member> {
    let (key, way) = way.split_last()?;
    root.at(way)?.member(key)
}

/// Puts another value behind a key.
fn replace(text: &str, member: &Member, to: &Value) -> Result<String, NotEditable> {
    let start = line_start(text, member.key_span.start);
    let indent = member.key_span.start - start;
    if !text[start..member.key_span.start].bytes().all(|byte| byte == b' ') {
        return Err(NotEditable("it isn't written one key to a line"));
    }
    let old = text.get(member.value.span.clone()).unwrap_or_default();
    let is_word = |value: &Value| !value.is_object() && !value.is_array();
    let is_old_word =
        !member.value.is_map() && member.value.items().is_empty() && !old.contains('\n') && !old.is_empty();
    if is_word(to) && is_old_word {
        return Ok(splice(text, member.value.span.clone(), &word(to)));
    }
    Ok(splice(text, start..line_end(text, end(text, member)), &member_lines(&member.key, to, indent)))
}

/// How far the keys of a map are indented, if it is written one key to a line.
fn indent(text: &str, map: &Node) -> Result<usize, NotEditable> {
    let Some(first) = map.members().first() else { return Ok(0) };
    let start = line_start(text, first.key_span.start);
    let before = &text[start..first.key_span.start];
    if text.get(map.span.start..).is_some_and(|rest| rest.starts_with('{')) || !before.bytes().all(|byte| byte == b' ')
    {
        return Err(NotEditable("it isn't written one key to a line"));
    }
    Ok(before.len())
}

/// Where what a member says ends; the end of a block is told where the next thing begins.
fn end(text: &str, member: &Member) -> usize {
    let end = last_word(&member.value).max(member.key_span.end);
    let said = text[..end].trim_end().len();
    said.max(member.key_span.end)
}

fn last_word(node: &Node) -> usize {
    let is_flow = |node: &Node| node.span.end;
    match &node.kind {
        Kind::Map(members) if !members.is_empty() => {
            members.iter().map(|member| last_word(&member.value)).max().unwrap_or(0)
        }
        Kind::List(items) if !items.is_empty() => items.iter().map(last_word).max().unwrap_or(0),
        Kind::Map(_) | Kind::List(_) | Kind::Text(_) | Kind::Bool(_) | Kind::Other(_) => is_flow(node),
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// Behind the line feed of the line in which this is.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// Puts whole lines, or a word, in the place of others.
fn splice(text: &str, range: Range<usize>, new: &str) -> String {
    let before = &text[..range.start];
    let feed = if new.ends_with('\n') && !before.is_empty() && !before.ends_with('\n') { "\n" } else { "" };
    format!("{before}{feed}{new}{}", &text[range.end..])
}

/// A key with its value, as lines.
fn member_lines(key: &str, value: &Value, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let key = word(&Value::String(key.to_owned()));
    match value {
        Value::Object(members) if members.is_empty() => format!("{margin}{key}: {{}}\n"),
        Value::Object(members) => {
            let inner = members.iter().map(|(key, value)| member_lines(key, value, indent + STEP));
            format!("{margin}{key}:\n{}", inner.collect::<String>())
        }
        Value::Array(items) if items.is_empty() => format!("{margin}{key}: []\n"),
        Value::Array(items) => {
            let items = items.iter().map(|item| format!("{margin}{}- {}\n", " ".repeat(STEP), word(item)));
            format!("{margin}{key}:\n{}", items.collect::<String>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            format!("{margin}{key}: {}\n", word(value))
        }
    }
}

/// A scalar; in quotes, as JSON has them, unless it can't be mistaken.
fn word(value: &Value) -> String {
    value.as_str().filter(|text| is_plain(text)).map_or_else(|| value.to_string(), str::to_owned)
}

fn is_plain(text: &str) -> bool {
    const OTHER_MEANINGS: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "y"];
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let goes_on = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_.-".contains(&byte));
    let lower = text.to_ascii_lowercase();
    starts && goes_on && lower != "n" && !OTHER_MEANINGS.contains(&lower.as_str()) && text.parse::<f64>().is_err()
}
