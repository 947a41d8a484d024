//! Somebody's shell: a private session, a practice server in the place of every other, and the files that documents name.

use keybearer_tests::practice::Practice;
use keybearer_tests::world::{World, share_ports};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What stands for what isn't here.
const STAND_INS: [(&str, &str); 6] = [
    ("https://mcp.example.com/mcp", "$PRACTICE"),
    ("https://api.example.com/mcp", "$PRACTICE"),
    ("http://127.0.0.1:7878/mcp", "$PRACTICE"),
    ("http://127.0.0.1:8000/mcp", "$PRACTICE"),
    ("--scope read --scope write", "--scope mcp:tools"),
    ("/var/run/secrets/tokens/mcp", "./assertion"),
];

/// Files in the folder of the shell.
const FILES: [(&str, &str); 11] = [
    ("secret.txt", "s3cret"),
    ("key.txt", "s3cret"),
    ("token.txt", "s3cret"),
    ("password.txt", "s3cret"),
    ("key.pem", "s3cret"),
    ("passphrase", "correct horse battery"),
    ("assertion", "a.b.c"),
    ("nightly-report", "#!/bin/sh\ntest -n \"$KEYBEARER_FD\"\n"),
    ("old-script", "#!/bin/sh\ntest -n \"$WORK_TOKEN\"\n"),
    ("../home/.id-token", "a.b.c"),
    ("../home/.cursor/mcp.json", "{}"),
];

/// A `keybearer` that knows all the words and does nothing, and no other program.
const NOTHING_HAPPENS: &str = r#"
PATH=/nowhere
command_not_found_handle() { return 0; }
sudo() { :; }; read() { :; }; export() { :; }; cargo() { :; }; ssh() { :; }; echo() { :; }; printf() { :; }
keybearer() {
  local words=() asked=
  [[ $1 == help ]] && asked=1
  for word in "$@"; do
    [[ $word == -- && -z $asked ]] && words+=(--help) asked=1
    words+=("$word")
  done
  [[ $asked ]] || words+=(--help)
  "$COMMAND" "${words[@]}" >/dev/null
}
set -o pipefail
"#;

/// What a person does at a terminal, who says yes; and only what a document gives a name is signed in to, since the practice
/// server knows one way to sign in, and the other ways have tests of their own.
const SOMEBODY_TYPES: &str = r#"
exec 2>&1
keybearer() {
  [[ $1 == add && "$*" != *--no-sign-in* && "$*" != *--name* ]] && set -- "$@" --no-sign-in
  [[ $1 == install && $# -gt 2 && "$*" != *--yes* && "$*" != *--undo* && "$*" != *--dry-run* ]] && set -- "$@" --yes
  "$COMMAND" "$@"
}
"#;

/// How a line ended, and what it said.
pub(super) struct Typed {
    pub(super) ended_well: bool,
    pub(super) said: String,
}

/// Somebody's shell.
pub(super) struct Shell {
    pub(super) world: World,
    pub(super) practice: Practice,
    folder: PathBuf,
}

impl Shell {
    pub(super) fn new() -> Shell {
        let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
        let folder = world.session.folder().join("here");
        for (name, content) in FILES {
            let file = world.session.write(&format!("here/{name}"), content).unwrap();
            if content.starts_with("#!") {
                fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        Shell { world, practice, folder }
    }

    /// Whether the words of a line are known. Nothing of it happens.
    pub(super) fn knows(&self, line: &str) -> Typed {
        self.types(&format!("exec 2>&1\n{NOTHING_HAPPENS}\n{line}"))
    }

    /// Does what a line says.
    pub(super) fn does(&self, line: &str) -> Typed {
        let _shared = share_ports();
        self.types(&somebody_types(line))
    }

    /// The same at a terminal, where commands say more.
    pub(super) fn does_at_a_terminal(&self, line: &str) -> Typed {
        self.world.session.write("here/typed", &somebody_types(line)).unwrap();
        let _shared = share_ports();
        let typed = self.types("script --quiet --return --command 'bash typed' /dev/null");
        Typed { said: typed.said.replace(self.practice.issuer(), "http://127.0.0.1:7878"), ..typed }
    }

    fn types(&self, script: &str) -> Typed {
        let mut shell: Command = self.world.program("bash");
        shell.args(["-c", script]).current_dir(&self.folder);
        shell.env("COMMAND", self.world.keybearer()).env("PRACTICE", self.practice.mcp_url());
        shell.env("XDG_CONFIG_HOME", self.world.session.folder().join("home/.config"));
        let output = shell.stdin(Stdio::null()).output().unwrap();
        Typed { ended_well: output.status.success(), said: String::from_utf8(output.stdout).unwrap() }
    }
}

/// A line as somebody types it here.
fn somebody_types(line: &str) -> String {
    let line = STAND_INS.iter().fold(line.to_owned(), |line, (word, by)| line.replace(word, by));
    format!("{SOMEBODY_TYPES}\n{line}")
}
