//! JSON with comments, TOML and YAML: read, and edited with all else kept.
//!
//! Every edit is checked: a file that its editor can't give back byte for byte is left alone, and what was edited must
//! say what it said before, but for the change.

/// JSON with comments and trailing commas, as editors have it.
mod json;
/// TOML.
mod toml;
/// YAML, as far as programs write it.
mod yaml;

use crate::tree::{Change, Node, differ_by, is_only_known};
use std::ops::Range;
use zeroize::Zeroizing;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// How a client's file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Toml,
    Yaml,
}

/// What is wrong with a file, and where: never what stands there.
#[derive(Debug)]
pub(crate) struct Broken {
    /// The place in bytes.
    pub(crate) at: usize,
    pub(crate) problem: String,
}

/// Why a file can't be edited.
#[derive(Debug)]
pub(crate) struct NotEditable(pub(crate) &'static str);

impl Format {
    /// What a text says. One that is empty says nothing, which is no fault: clients make such files.
    pub(crate) fn read(self, text: &str) -> Result<Node, Broken> {
        let (mark, body) = without_mark(text);
        if body.trim().is_empty() {
            return Ok(Node::empty());
        }
        let read = match self {
            Format::Json => json::read(body),
            Format::Toml => toml::read(body),
            Format::Yaml => yaml::read(body),
        };
        let mut root = read.map_err(|broken| Broken { at: broken.at + mark.len(), ..broken })?;
        shift(&mut root, mark.len());
        if let Some(doubled) = root.doubled_key() {
            return Err(Broken {
                at: doubled.key_span.start,
                problem: "this key stands here for the second time".to_owned(),
            });
        }
        if !root.is_map() {
            return Err(Broken { at: root.span.start, problem: "there should be keys with values here".to_owned() });
        }
        Ok(root)
    }

    /// The text with these changes made in it.
    pub(crate) fn edit(self, text: &str, changes: &[Change]) -> Result<Zeroizing<String>, NotEditable> {
        // Dates and the like are known as they are written, and can't be written anew.
        if changes.iter().any(|change| change.to.as_ref().is_some_and(is_only_known)) {
            return Err(NotEditable("a value that was there is of an unusual kind"));
        }
        let unread = |_| NotEditable("it can't be read");
        let before = self.read(text).map_err(unread)?;
        let (mark, body) = without_mark(text);
        let lines = LineEnds::of(body);
        let plain = lines.plain(body);
        let edited = match self {
            Format::Json => json::edit(&plain, changes),
            Format::Toml => toml::edit(&plain, changes),
            Format::Yaml => yaml::edit(&plain, changes),
        }?;
        let edited = Zeroizing::new(format!("{mark}{}", *lines.back(&edited)));
        let after = self.read(&edited).map_err(|_| NotEditable("the change would break it"))?;
        if differ_by(&before, &after, changes) {
            Ok(edited)
        } else {
            Err(NotEditable("the change would reach further than it should"))
        }
    }

    /// Where comments stand, given the places of all words in their order.
    pub(crate) fn comments(self, text: &str, words: &[Range<usize>]) -> Vec<Range<usize>> {
        let mut words = words.iter().peekable();
        let (mut comments, mut at) = (Vec::new(), 0);
        while let Some(next) = text[at..].chars().next() {
            while words.next_if(|word| word.end <= at).is_some() {}
            at = if let Some(word) = words.next_if(|word| word.start <= at) {
                word.end
            } else if let Some(length) = self.comment(&text[at..]) {
                comments.push(at..at + length);
                at + length
            } else {
                at + next.len_utf8()
            };
        }
        comments
    }

    /// How long the comment is that begins a text.
    fn comment(self, text: &str) -> Option<usize> {
        let line = text.find(['\n', '\r']).unwrap_or(text.len());
        match self {
            Format::Json if text.starts_with("/*") => Some(text[2..].find("*/").map_or(text.len(), |end| end + 4)),
            Format::Json => text.starts_with("//").then_some(line),
            Format::Toml | Format::Yaml => text.starts_with('#').then_some(line),
        }
    }
}

/// How the lines of a text end.
enum LineEnds {
    /// All with a carriage return and a line feed.
    Windows,
    /// Otherwise, or some of each.
    AsTheyAre,
}

impl LineEnds {
    fn of(text: &str) -> Self {
        let feeds = text.matches('\n').count();
        let is_windows = feeds > 0 && text.matches("\r\n").count() == feeds && text.matches('\r').count() == feeds;
        if is_windows { LineEnds::Windows } else { LineEnds::AsTheyAre }
    }

    fn plain(&self, text: &str) -> Zeroizing<String> {
        Zeroizing::new(match self {
            LineEnds::Windows => text.replace("\r\n", "\n"),
            LineEnds::AsTheyAre => text.to_owned(),
        })
    }

    fn back(&self, text: &str) -> Zeroizing<String> {
        Zeroizing::new(match self {
            LineEnds::Windows => text.replace('\n', "\r\n"),
            LineEnds::AsTheyAre => text.to_owned(),
        })
    }
}

fn without_mark(text: &str) -> (&'static str, &str) {
    text.strip_prefix(BYTE_ORDER_MARK).map_or(("", text), |body| (BYTE_ORDER_MARK, body))
}

/// Moves all places of a tree.
fn shift(node: &mut Node, by: usize) {
    use crate::tree::Kind;
    let moved = |span: &Range<usize>| span.start + by..span.end + by;
    node.span = moved(&node.span);
    match &mut node.kind {
        Kind::Map(members) => members.iter_mut().for_each(|member| {
            member.key_span = moved(&member.key_span);
            shift(&mut member.value, by);
        }),
        Kind::List(items) => items.iter_mut().for_each(|item| shift(item, by)),
        Kind::Text(_) | Kind::Bool(_) | Kind::Other(_) => {}
    }
}
