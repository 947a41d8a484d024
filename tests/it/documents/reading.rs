//! What a document has to be typed: its blocks, and the commands in its sentences.

use std::path::Path;
use std::{fmt, fs};

/// Languages of blocks in which there is nothing to type.
const NOT_TYPED: [&str; 5] = ["ini", "json", "text", "toml", "yaml"];

/// The same in which there is a whole program, and how many a document has, each of which another test runs.
pub(super) const PROGRAMS: [(&str, &str, usize); 2] =
    [("docs/protocol.md", "bash", 1), ("docs/protocol.md", "python", 2)];

/// A document for people who use Keybearer or change it.
pub(super) struct Document {
    /// Its path from the root.
    pub(super) path: String,
    text: String,
}

#[derive(Clone)]
/// A line to type, where it stands, and what is said to come of it.
pub(super) struct Line {
    place: String,
    pub(super) text: String,
    pub(super) answer: Vec<String>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// Every document at the root and in `docs`, also one that was only just written.
pub(super) fn documents() -> Vec<Document> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut documents = Vec::new();
    for folder in ["", "docs/"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") {
                let path = format!("{folder}{name}");
                let text = fs::read_to_string(root.join(&path)).unwrap().replace("\r\n", "\n");
                documents.push(Document { path, text });
            }
        }
    }
    documents.sort_by(|a, b| a.path.cmp(&b.path));
    documents
}

impl Document {
    /// The lines between two fences, each with its number, and the language of the block. Behind the last fence, none.
    fn blocks(&self) -> Vec<(&str, Vec<(usize, &str)>)> {
        let mut blocks: Vec<(&str, Vec<(usize, &str)>)> = Vec::new();
        let (mut open, mut before) = (false, "");
        for (number, line) in (1..).zip(self.text.lines()) {
            match line.strip_prefix("```") {
                Some(language) if !open => blocks.push((language, Vec::new())),
                None if open => blocks.last_mut().unwrap().1.push((number, line)),
                None => {
                    // Two ways to write a block are one too many for whoever looks for them.
                    let is_block = before.is_empty() && line.starts_with("    ");
                    assert!(!is_block, "{}:{number}: put it between fences", self.path);
                }
                Some(_) => {}
            }
            (open, before) = (open != line.starts_with("```"), line);
        }
        assert!(!open, "{}: a block without an end", self.path);
        blocks
    }

    /// All that is to be typed: blocks without a language, and what stands behind `$` in those of a console.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for (language, block) in self.blocks() {
            let is_program = PROGRAMS.iter().any(|(path, known, _)| (*path, *known) == (&self.path, language));
            for (number, text) in block.into_iter().filter(|(_, text)| !text.is_empty()) {
                let place = format!("{}:{number}", self.path);
                let typed = match language {
                    "" => Some(text),
                    "console" => text.strip_prefix("$ "),
                    _ if is_program => break,
                    _ => {
                        assert!(NOT_TYPED.contains(&language), "{place}: nobody knows what to do with {language:?}");
                        assert!(!is_command(text), "{place}: a command in a block of {language:?}");
                        continue;
                    }
                };
                match typed {
                    Some(text) => lines.push(Line { place, text: text.trim().to_owned(), answer: Vec::new() }),
                    None => lines.last_mut().expect("an answer to a line").answer.push(text.to_owned()),
                }
            }
        }
        lines
    }

    /// How many blocks of this language there are.
    pub(super) fn count(&self, language: &str) -> usize {
        self.blocks().iter().filter(|(found, _)| *found == language).count()
    }

    /// Commands within sentences, with a word in the place of each word that stands for another.
    pub(super) fn commands(&self) -> Vec<Line> {
        let prose = self.text.split("```").step_by(2).flat_map(|text| text.split("\n\n"));
        let mut commands = Vec::new();
        for paragraph in prose {
            let paragraph = paragraph.replace('\n', " ");
            for code in paragraph.split('`').skip(1).step_by(2).filter(|code| code.starts_with("keybearer ")) {
                let text = code.replace("SHELL", "bash").replace("CLIENT", "cursor").replace("COMMAND", "list");
                commands.push(Line { place: self.path.clone(), text, answer: Vec::new() });
            }
        }
        commands
    }
}

fn is_command(text: &str) -> bool {
    ["keybearer ", "cargo ", "$ "].iter().any(|begins| text.starts_with(begins))
}
