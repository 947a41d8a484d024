//! The key `Exec`: words with quotes of their own, inside a string with escapes of its own.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

/// What must be escaped between quotes.
const SPECIAL: [char; 4] = ['"', '`', '$', '\\'];

/// A command as the value of `Exec`, each word in quotes.
pub fn line(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let mut quoted = String::from("\"");
    for c in word.chars() {
        if SPECIAL.contains(&c) {
            // The string around it has backslashes of its own.
            quoted.push_str("\\\\");
        }
        match c {
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '%' => quoted.push_str("%%"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A text as the value of a key of the type string, such as `TryExec`.
pub fn text(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\n', "\\n")
}

/// The words of a value of `Exec`, with field codes such as `%u` as they are; none if a quote is left open.
pub fn words(value: &str) -> Option<Vec<String>> {
    let value = unescaped(value);
    let (mut words, mut word, mut inside) = (Vec::new(), None::<String>, false);
    let mut letters = value.chars();
    while let Some(c) = letters.next() {
        match c {
            '"' => {
                inside = !inside;
                word.get_or_insert_default();
            }
            '\\' if inside => word.get_or_insert_default().push(letters.next()?),
            c if c.is_whitespace() && !inside => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (!inside).then(|| words.into_iter().map(|word| word.replace("%%", "%")).collect())
}

/// A value of the type string: `\s`, `\n`, `\t`, `\r` and `\\` stand for what they name.
fn unescaped(value: &str) -> String {
    let mut text = String::new();
    let mut letters = value.chars();
    while let Some(c) = letters.next() {
        match (c, if c == '\\' { letters.next() } else { None }) {
            ('\\', Some('s')) => text.push(' '),
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some('t')) => text.push('\t'),
            ('\\', Some('r')) => text.push('\r'),
            ('\\', Some('\\')) => text.push('\\'),
            ('\\', Some(other)) => text.extend(['\\', other]),
            (c, _) => text.push(c),
        }
    }
    text
}

/// Where a program of this name or path lies.
pub fn find(program: &str) -> Option<PathBuf> {
    let is_path = Path::new(program).components().count() > 1;
    let folders = if is_path { None } else { env::var_os("PATH") };
    let mut places: Vec<PathBuf> = folders.iter().flat_map(env::split_paths).map(|one| one.join(program)).collect();
    places.extend(is_path.then(|| PathBuf::from(program)));
    places.into_iter().find(|place| place.is_file())
}

/// Where this program lies. Linux names one that was replaced while it runs with ` (deleted)` behind its path
/// (`proc_pid_exe(5)`); what an upgrade has put there is the program that goes on.
pub fn own() -> io::Result<PathBuf> {
    env::current_exe().map(in_place)
}

fn in_place(named: PathBuf) -> PathBuf {
    let name = named.to_str().and_then(|name| name.strip_suffix(" (deleted)")).map(PathBuf::from);
    name.filter(|name| !named.exists() && name.is_file()).unwrap_or(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_replaced_is_the_one_in_its_place() {
        let here = env::current_exe().expect("this test");
        let deleted = |path: &Path| PathBuf::from(format!("{} (deleted)", path.display()));
        assert_eq!(in_place(deleted(&here)), here);
        assert_eq!(in_place(here.clone()), here);
        // Nothing has come in its place.
        let gone = deleted(Path::new("/nowhere/program"));
        assert_eq!(in_place(gone.clone()), gone);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for program in ["/usr/bin/app", "/opt/key bearer/app", "/a/\"b\"/$HOME/`c`", "/back\\slash", "/100%/u%u"] {
            let value = line(&[program, "--hidden"]);
            assert_eq!(words(&value).unwrap_or_default(), [program, "--hidden"], "{value}");
        }
        assert_eq!(line(&["/back\\slash"]), r#""/back\\\\slash""#);
    }

    #[test]
    fn words_of_others_are_understood() {
        for (value, expected) in [
            ("app %U", Some(vec!["app", "%U"])),
            ("\"/opt/key bearer/app\" %u", Some(vec!["/opt/key bearer/app", "%u"])),
            ("/opt/a\\sb x", Some(vec!["/opt/a", "b", "x"])),
            ("", Some(vec![])),
            ("\"open", None),
        ] {
            let expected = expected.map(|words| words.into_iter().map(str::to_owned).collect());
            assert_eq!(words(value), expected, "{value}");
        }
    }
}
