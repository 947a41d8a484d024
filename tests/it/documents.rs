//! What stands in the documents to be typed: every line is known to the command, and is run here or named below with the
//! reason why not. `cargo xtask run` and `test` are what CI itself does.

use keybearer_protocol::ErrorCode;
use keybearer_tests::practice::Practice;
use keybearer_tests::world::{World, share_ports};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{fmt, fs};

/// The documents for people who use Keybearer.
const DOCUMENTS: [&str; 11] = [
    "README.md",
    "README.zh-CN.md",
    "docs/authorization-types.md",
    "docs/clients.md",
    "docs/comparison.md",
    "docs/getting-started.md",
    "docs/headless.md",
    "docs/keyrings.md",
    "docs/manual.md",
    "docs/sandboxes.md",
    "docs/troubleshooting.md",
];

/// Beginnings of lines that are not run here, and why.
const NOT_RUN: [(&str, &str); 27] = [
    ("cargo xtask run", "CI's own"),
    ("cargo xtask test", "CI's own"),
    ("cargo xtask bundle", "`cargo xtask bundle --check` does that and the next"),
    ("sudo apt install", "`cargo xtask bundle --check`"),
    ("cargo xtask bench", "takes a quiet machine"),
    ("cargo xtask torture", "CI has the short form"),
    ("cargo xtask interop", "CI has it among the tests"),
    ("cargo build --release", "`cargo xtask bundle`"),
    ("export PATH=", "for the line before"),
    ("sudo loginctl", "this machine has no login manager"),
    ("systemctl --user", "this machine has no user manager"),
    ("systemd-creds", "belongs to root, and writes to /etc; `it vault` has what it brings"),
    ("dbus-run-session", "waits for a person at a shell; every test here has such a session"),
    ("read -rs", "waits for a person"),
    ("keybearer practice --port", "runs beside all of this"),
    ("keybearer sign-in work --no-browser", "waits for a person; `it callback`"),
    ("keybearer unlock   ", "asks at a terminal; `it vault`"),
    ("keybearer vault passphrase", "asks at a terminal; `it vault`"),
    ("mkdir -p -m 700 ~/.keybearer", "`it restricted` runs it at the other end of ssh"),
    ("StreamLocalBindUnlink", "a line of sshd's; `it restricted`"),
    ("ssh ", "`it restricted`, and `it callback` for what comes back"),
    ("Host build.example", "a file of ssh's"),
    ("RemoteForward", "a file of ssh's"),
    ("export KEYBEARER_SOCKET=~", "`it restricted`"),
    ("docker run", "there is no daemon here"),
    ("podman run", "there are no images here"),
    ("flatpak run", "there are no applications here"),
];

/// What stands for what isn't here.
const STAND_INS: [(&str, &str); 7] = [
    ("https://mcp.example.com/mcp", "$PRACTICE"),
    ("https://api.example.com/mcp", "$PRACTICE"),
    ("http://127.0.0.1:7878/mcp", "$PRACTICE"),
    ("http://127.0.0.1:8000/mcp", "$PRACTICE"),
    ("--scope read --scope write", "--scope mcp:tools"),
    // Which asks at a terminal.
    ("install cursor work   ", "install cursor work --yes   "),
    ("/var/run/secrets/tokens/mcp", "./assertion"),
];

/// A line to type, and where it stands.
struct Line {
    document: &'static str,
    text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.document, self.text)
    }
}

impl Line {
    fn is_run(&self) -> bool {
        !NOT_RUN.iter().any(|(begins, _)| self.text.starts_with(begins))
    }
}

/// The lines of a document that are to be typed: blocks without a language, and indented ones.
fn lines(document: &'static str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{document}: {error}"));
    let (mut lines, mut block) = (Vec::new(), None);
    for line in text.lines() {
        match (block, line.strip_prefix("```")) {
            (None, Some(language)) => block = Some(language.is_empty()),
            (Some(_), Some(_)) => block = None,
            (Some(true), None) => lines.push(line.trim()),
            (None, None) if line.starts_with("    ") => lines.push(line.trim()),
            _ => {}
        }
    }
    let lines = lines.into_iter().filter(|line| !line.is_empty());
    lines.map(|line| Line { document, text: line.to_owned() }).collect()
}

/// Somebody's shell, in a folder with the files that documents speak of.
struct Shell {
    world: World,
    practice: Practice,
    folder: PathBuf,
}

impl Shell {
    fn new() -> Shell {
        let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
        let folder = world.session.folder().join("here");
        for (name, content) in [
            ("secret.txt", "s3cret"),
            ("key.txt", "s3cret"),
            ("token.txt", "s3cret"),
            ("password.txt", "s3cret"),
            ("key.pem", "s3cret"),
            ("passphrase", "correct horse battery"),
            ("assertion", "a.b.c"),
            ("../home/.id-token", "a.b.c"),
            ("nightly-report", "#!/bin/sh\ntest -n \"$KEYBEARER_FD\"\n"),
            ("old-script", "#!/bin/sh\ntest -n \"$WORK_TOKEN\"\n"),
            ("../home/.cursor/mcp.json", "{}"),
        ] {
            let file = world.session.write(&format!("here/{name}"), content).unwrap();
            if content.starts_with("#!") {
                fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        Shell { world, practice, folder }
    }

    /// Types a line, before which this is typed.
    fn types(&self, before: &str, line: &str) -> Output {
        let mut shell: Command = self.world.program("bash");
        shell.args(["-c", &format!("{before}\n{line}")]).current_dir(&self.folder);
        shell.env("COMMAND", self.world.keybearer()).env("PRACTICE", self.practice.mcp_url());
        shell.env("XDG_CONFIG_HOME", self.world.session.folder().join("home/.config"));
        shell.stdin(Stdio::null()).output().unwrap()
    }
}

/// A `keybearer` that knows all the words and does nothing, and no other program.
const NOTHING_HAPPENS: &str = r#"
PATH=/nowhere
command_not_found_handle() { return 0; }
sudo() { :; }; read() { :; }; export() { :; }; cargo() { :; }; ssh() { :; }
keybearer() {
  local words=() asked=
  for word in "$@"; do
    [[ $word == -- && -z $asked ]] && words+=(--help) asked=1
    words+=("$word")
  done
  [[ $asked ]] || words+=(--help)
  "$COMMAND" "${words[@]}" >/dev/null
}
set -o pipefail
"#;

#[test]
fn every_line_of_every_document_can_be_typed() {
    let shell = Shell::new();
    let typed = DOCUMENTS.into_iter().flat_map(lines).filter(|line| line.text.contains("keybearer"));
    let mut count = 0;
    for line in typed {
        let output = shell.types(NOTHING_HAPPENS, &line.text);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !told.contains("keybearer: "), "{line}: {told}");
        count += 1;
    }
    assert!(count > 60, "{count}");
    // An option that isn't there is noticed.
    let wrong = shell.types(NOTHING_HAPPENS, "keybearer list --nonsense");
    assert!(!wrong.status.success());
}

#[test]
fn what_is_not_run_stands_in_a_document() {
    let all: Vec<Line> = DOCUMENTS.into_iter().flat_map(lines).collect();
    for (begins, why) in NOT_RUN {
        assert!(all.iter().any(|line| line.text.starts_with(begins)), "no document has {begins:?} ({why})");
    }
}

/// Only what the documents name is signed in to: the practice server knows one way to sign in, and the other ways have tests
/// of their own.
const WITH_OTHERS_SIGN_INS_LEFT_OUT: &str = r#"
keybearer() {
  [[ $1 == add && "$*" != *--no-sign-in* && "$*" != *--name* ]] && set -- "$@" --no-sign-in
  "$COMMAND" "$@"
}
"#;

/// Types all lines of a document that are run, each of which has to work, in the order of the document.
fn follow(document: &'static str, shell: &Shell) {
    let mut count = 0;
    for line in lines(document).iter().filter(|line| line.is_run()) {
        let mut text = line.text.clone();
        for (word, by) in STAND_INS {
            text = text.replace(word, by);
        }
        let _shared = share_ports();
        let output = shell.types(WITH_OTHERS_SIGN_INS_LEFT_OUT, &text);
        assert!(output.status.success(), "{line}: {output:?}");
        count += 1;
    }
    assert!(count > 0, "{document} has nothing to run");
}

#[test]
fn getting_started_works_as_it_stands() {
    follow("docs/getting-started.md", &Shell::new());
}

#[test]
fn every_type_of_authorization_is_written_down_as_the_document_says() {
    let shell = Shell::new();
    shell.world.add("work", shell.practice.mcp_url()).unwrap();
    follow("docs/authorization-types.md", &shell);
}

#[test]
fn the_manual_works_as_it_stands() {
    follow("docs/manual.md", &Shell::new());
}

#[test]
fn a_machine_without_a_desktop_is_set_up_as_the_document_says() {
    let shell = Shell::new();
    shell.world.ok(&["agent", "start"]).unwrap();
    follow("docs/headless.md", &shell);
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

/// A heading as what a link's `#` names it by.
fn anchor(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter);
    heading.to_lowercase().chars().filter(kept).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let more = ["SECURITY.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/protocol.md"];
    let more = more.into_iter().chain(["docs/performance.md", "docs/compatibility.md", "docs/authorization.md"]);
    for document in DOCUMENTS.into_iter().chain(more) {
        let path = root.join(document);
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{document}: {link}");
            if !heading.is_empty() {
                let there = fs::read_to_string(target).unwrap();
                let mut headings =
                    there.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#'));
                assert!(headings.any(|there| anchor(there.trim()) == heading), "{document}: {link}");
            }
        }
    }
}
