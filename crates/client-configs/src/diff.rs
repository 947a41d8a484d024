//! Two states of a file side by side, without their secrets.
//!
//! Whatever isn't known to be harmless is covered before the two are compared: a line nearby may hold another server's
//! token, and so may a comment.

use crate::formats::Format;
use crate::secret::{MASK, is_random, shown_address};
use crate::tree::{Kind, Node};
use similar::{ChangeTag, TextDiff};
use std::ops::Range;

/// How many lines are shown around a change.
const CONTEXT: usize = 3;
/// Keys whose values are words of the client's own.
const HARMLESS: [&str; 7] = ["type", "transport", "transportType", "source", "name", "description", "tools"];
const ADDRESSES: [&str; 4] = ["url", "serverUrl", "httpUrl", "uri"];

/// What changes, for people.
pub(crate) struct Diff {
    pub(crate) lines: String,
    pub(crate) added: usize,
    pub(crate) removed: usize,
}

/// Compares two states of a file, each given with what it says.
pub(crate) fn diff(format: Format, before: (&str, &Node), after: (&str, &Node)) -> Diff {
    let (before, after) = (covered(format, before.0, before.1), covered(format, after.0, after.1));
    let diff = TextDiff::from_lines(&before, &after);
    let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    Diff {
        lines: diff.unified_diff().context_radius(CONTEXT).missing_newline_hint(false).to_string(),
        added: count(ChangeTag::Insert),
        removed: count(ChangeTag::Delete),
    }
}

/// A text with everything covered that isn't known to be harmless.
fn covered(format: Format, text: &str, root: &Node) -> String {
    let mut words = Words { covers: Vec::new(), all: Vec::new(), lost: false };
    words.gather(root, "", false);
    if words.lost {
        // A word without a place can't be covered by itself.
        return MASK.to_owned();
    }
    words.all.sort_by_key(|word| word.start);
    let mut covers = words.covers;
    covers.extend(format.comments(text, &words.all).into_iter().map(|comment| {
        let said = &text[comment.clone()];
        let (start, end) = if said.starts_with('#') { (1, 0) } else { (2, if said.starts_with("/*") { 2 } else { 0 }) };
        (comment.start + start..comment.end - end.min(said.len() - start), format!(" {MASK}{}", &" "[..end / 2]))
    }));
    covers.sort_by_key(|(range, _)| range.start);
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    for (range, cover) in covers {
        shown.push_str(text.get(at..range.start).unwrap_or_default());
        shown.push_str(&cover);
        at = range.end.max(at);
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown.replace("\r\n", "\n")
}

struct Words {
    /// What is covered, and by what.
    covers: Vec<(Range<usize>, String)>,
    /// The places of all words.
    all: Vec<Range<usize>>,
    lost: bool,
}

impl Words {
    /// Takes in what stands below a key; `ours` if it belongs to an entry by which Keybearer is called.
    fn gather(&mut self, node: &Node, key: &str, ours: bool) {
        match &node.kind {
            Kind::Map(members) => {
                let ours = calls_keybearer(node);
                for member in members {
                    self.place(&member.key_span);
                    self.gather(&member.value, &member.key, ours);
                }
            }
            Kind::List(items) => {
                let ours = ours || items.first().and_then(Node::text).is_some_and(is_keybearer);
                items.iter().for_each(|item| self.gather(item, key, ours));
            }
            Kind::Bool(_) => self.place(&node.span),
            // A number may be a password; a date is none of ours.
            Kind::Other(written) if written.is_empty() => {}
            Kind::Other(written) if written == "null" || written.len() <= 6 => self.place(&node.span),
            Kind::Other(_) => self.cover(node, MASK.to_owned()),
            Kind::Text(text) => match shown(key, text, ours) {
                Some(shown) if shown == text.as_str() => self.place(&node.span),
                Some(shown) => self.cover(node, format!("\"{shown}\"")),
                None => self.cover(node, format!("\"{MASK}\"")),
            },
        }
    }

    fn place(&mut self, span: &Range<usize>) {
        self.lost |= span.is_empty();
        self.all.push(span.clone());
    }

    fn cover(&mut self, node: &Node, cover: String) {
        self.place(&node.span);
        self.covers.push((node.span.clone(), cover));
    }
}

/// What is shown of a text; none if nothing.
fn shown(key: &str, text: &str, ours: bool) -> Option<String> {
    let is_local = text.starts_with("unix:") || text.starts_with("pipe:");
    let is_word = text.len() <= 64 && !is_random(text);
    match key {
        _ if ADDRESSES.contains(&key) && is_local => Some(text.to_owned()),
        _ if ADDRESSES.contains(&key) => shown_address(text),
        _ if HARMLESS.contains(&key) && is_word => Some(text.to_owned()),
        "command" | "cmd" | "args" | "headersHelper" if ours => Some(text.to_owned()),
        "command" | "cmd" if !text.contains([' ', '=']) && is_word => Some(text.to_owned()),
        _ => None,
    }
}

fn calls_keybearer(entry: &Node) -> bool {
    let command = ["command", "cmd"].into_iter().find_map(|key| entry.get(key));
    let command = command.and_then(|command| command.text().or_else(|| command.items().first()?.text()));
    let helper = entry.get("headersHelper").and_then(Node::text).map(crate::connection::shell_words);
    let helper = helper.as_ref().and_then(|words| words.first()).map(String::as_str);
    command.or(helper).is_some_and(is_keybearer)
}

fn is_keybearer(command: &str) -> bool {
    let name = command.rsplit(['/', '\\']).next().unwrap_or(command);
    name == "keybearer" || name == "keybearer.exe"
}
