//! What stands in the documents to be typed: every line is known to the command, and is run here or named below with the
//! reason why not.

/// What a document has to be typed.
mod reading;
/// Somebody's shell.
mod shell;

use keybearer_protocol::ErrorCode;
use reading::{Document, Line, PROGRAMS, documents};
use shell::Shell;
use std::fs;

/// Beginnings of lines that are not run here, and why.
const NOT_RUN: [(&str, &str); 29] = [
    ("cargo xtask run", "CI's own"),
    ("cargo xtask test", "CI's own"),
    ("cargo xtask bundle", "`cargo xtask bundle --check` does that and the next"),
    ("sudo apt install", "`cargo xtask bundle --check`"),
    ("cargo xtask bench", "takes a quiet machine"),
    ("cargo xtask torture", "CI has the short form"),
    ("cargo xtask interop", "CI has it among the tests"),
    ("cargo build --release", "`cargo xtask bundle`"),
    ("export PATH=", "for the line before"),
    ("export SOURCE_DATE_EPOCH", "for the build of a release, which takes minutes"),
    ("export RUSTFLAGS", "for the build of a release, which takes minutes"),
    ("cargo rustc", "the build of a release, which takes minutes"),
    ("sha256sum target", "for the line before"),
    ("sudo loginctl", "this machine has no login manager"),
    ("systemctl --user", "this machine has no user manager"),
    ("systemd-creds", "belongs to root, and writes to /etc; `it vault` has what it brings"),
    ("dbus-run-session", "waits for a person at a shell; every test here has such a session"),
    ("read -rs", "waits for a person"),
    ("keybearer practice --port", "runs beside all of this"),
    ("keybearer sign-in work --no-browser", "waits for a person; `it callback`"),
    ("keybearer unlock   ", "asks at a terminal; `it vault`"),
    ("keybearer vault passphrase", "asks at a terminal; `it vault`"),
    ("echo '{\"method\": \"events.subscribe\"", "goes on until the agent ends; `it events`"),
    ("mkdir -p -m 700 ~/.keybearer", "`it restricted` runs it at the other end of ssh"),
    ("ssh ", "`it restricted`, and `it callback` for what comes back"),
    ("export KEYBEARER_SOCKET=~", "`it restricted`"),
    ("docker run", "there is no daemon here"),
    ("podman run", "there are no images here"),
    ("flatpak run", "there are no applications here"),
];

fn is_run(line: &Line) -> bool {
    !NOT_RUN.iter().any(|(begins, _)| line.text.starts_with(begins))
}

#[test]
fn every_command_in_every_document_is_known() {
    let shell = Shell::new();
    let documents = documents();
    let typed = documents.iter().flat_map(|document| [document.lines(), document.commands()].concat());
    let mut count = 0;
    for line in typed.filter(|line| line.text.contains("keybearer ")) {
        let typed = shell.knows(&line.text);
        assert!(typed.ended_well && !typed.said.contains("keybearer: "), "{line}: {}", typed.said);
        count += 1;
    }
    assert!(count > 150, "{count}");
    // An option that isn't there is noticed.
    assert!(!shell.knows("keybearer list --nonsense").ended_well);
}

#[test]
fn what_is_not_run_stands_in_a_document() {
    let documents = documents();
    let all: Vec<Line> = documents.iter().flat_map(Document::lines).collect();
    for (begins, why) in NOT_RUN {
        assert!(all.iter().any(|line| line.text.starts_with(begins)), "no document has {begins:?} ({why})");
    }
    for (path, language, count) in PROGRAMS {
        let document = documents.iter().find(|document| document.path == path).unwrap();
        assert_eq!(document.count(language), count, "{path}: have each program in {language} run by a test");
    }
}

/// What is there before a document's first line.
fn prepare(document: &str, shell: &Shell) {
    let (world, practice) = (&shell.world, &shell.practice);
    match document {
        "docs/authorization-types.md" => world.add("work", practice.mcp_url()).unwrap(),
        "docs/clients.md" | "docs/sandboxes.md" => world.sign_in("linear", practice.mcp_url()).unwrap(),
        "docs/headless.md" => drop(world.ok(&["agent", "start"]).unwrap()),
        "docs/keyrings.md" => {
            let moved = shell.does("keybearer vault move sealed --passphrase-stdin < passphrase; keybearer lock");
            assert!(moved.ended_well, "{}", moved.said);
        }
        "docs/protocol.md" => world.sign_in("practice", practice.mcp_url()).unwrap(),
        _ => {}
    }
}

/// Types all lines of a document that are run, in its order. Each has to work, and to say what the document says it says.
fn follow(path: &str, lines: &[Line]) {
    let shell = Shell::new();
    prepare(path, &shell);
    for line in lines {
        let typed = if line.answer.is_empty() { shell.does(&line.text) } else { shell.does_at_a_terminal(&line.text) };
        assert!(typed.ended_well, "{line}: {}", typed.said);
        // A document may leave out what was said as well.
        let mut said = typed.said.lines().map(without_chance);
        for told in line.answer.iter().filter(|told| !told.starts_with("  …")).map(|told| without_chance(told)) {
            assert!(said.any(|said| said == told), "{line}: {told:?} isn't said: {}", typed.said);
        }
    }
}

/// A line without what is another each time.
fn without_chance(line: &str) -> String {
    line.split("client-").next().unwrap_or_default().trim_end().to_owned()
}

#[test]
fn every_document_works_as_it_stands() {
    let documents = documents();
    std::thread::scope(|scope| {
        let mut followed = 0;
        for document in &documents {
            let lines: Vec<Line> = document.lines().into_iter().filter(is_run).collect();
            if !lines.is_empty() {
                followed += 1;
                scope.spawn(move || follow(&document.path, &lines));
            }
        }
        assert!(followed > 7, "{followed}");
    });
}

#[test]
fn troubleshooting_has_every_exit_code_and_what_to_do() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/troubleshooting.md");
    let text = fs::read_to_string(path).unwrap();
    for code in ErrorCode::ALL {
        let (exit, name) = (code.exit().to_string(), format!("`{}`", code.name()));
        let row = text.lines().map(|line| line.split(" | ").collect::<Vec<_>>());
        let row = row.into_iter().find(|row| row.len() == 4 && row[1].split(", ").any(|one| one == name));
        let row = row.unwrap_or_else(|| panic!("no row for {name}"));
        assert!(row[0].trim_start_matches("| ").split(", ").any(|one| one == exit), "{name}: {row:?}");
        assert!(row[3].trim_end_matches(" |").len() > 3, "{name}: what to do?");
    }
}
