//! How much is shown, and kept, of what programs say of themselves: a row or a prompt must fit a frame, whatever a program
//! calls itself.

use keybearer_oauth::readable::readable;
use keybearer_protocol::program::ProgramView;

/// The most of a path or a name, in characters.
const TEXT: usize = 240;
/// The most of what is shown in quotes, in characters.
const CLAIM: usize = 80;
/// How many scopes are shown.
const SCOPES: usize = 40;
/// How many processes of a chain are shown: those nearest to the caller.
const CHAIN: usize = 16;

/// The beginning and the end of a text that is too long; the end of a path tells most.
pub fn text(text: &str) -> String {
    let length = text.chars().count();
    if length <= TEXT {
        return text.to_owned();
    }
    let (head, tail) = (TEXT / 3, TEXT - TEXT / 3);
    text.chars().take(head).chain(['…']).chain(text.chars().skip(length - tail)).collect()
}

/// What a caller says, for quotes.
pub fn claim(text: &str) -> String {
    readable(text).chars().take(CLAIM).collect()
}

/// The first scopes, and how many more there are.
pub fn scopes(scopes: &[String]) -> Vec<String> {
    let mut shown: Vec<String> = scopes.iter().take(SCOPES).map(|scope| text(scope)).collect();
    let more = scopes.len().saturating_sub(SCOPES);
    shown.extend((more > 0).then(|| format!("+{more}")));
    shown
}

/// A program, whatever it is called.
pub fn program(program: &ProgramView) -> ProgramView {
    let short = |whole: &Option<String>| whole.as_deref().map(text);
    let mut chain = program.chain.clone();
    chain.drain(..chain.len().saturating_sub(CHAIN));
    chain.iter_mut().for_each(|process| process.name = text(&process.name));
    ProgramView {
        name: short(&program.name),
        exe: short(&program.exe),
        signer: short(&program.signer),
        script: short(&program.script),
        folder: short(&program.folder),
        chain,
        ..program.clone()
    }
}
