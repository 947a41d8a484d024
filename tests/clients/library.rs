//! How a library is run: its example, and its own tests.

use crate::folder;
use keybearer_tests::world::World;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// A library for one language.
pub(crate) struct Library {
    folder: PathBuf,
    example: Vec<OsString>,
    tests: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
}

impl Library {
    /// None where this machine has no Go.
    pub(crate) fn go() -> Option<Library> {
        let variables = ["GOCACHE", "GOMODCACHE", "GOTOOLCHAIN"];
        let Ok(output) = Command::new("go").arg("env").args(variables).output() else {
            assert!(std::env::var_os("CI").is_none(), "CI has to try the library for Go, and this machine has no Go");
            println!("this machine has no Go, so the library for it isn't tried");
            return None;
        };
        let told = String::from_utf8(output.stdout).unwrap();
        let mut variables: Vec<_> = variables.into_iter().zip(told.lines().map(OsString::from)).collect();
        // What it needs was downloaded before.
        variables.extend([("GOPROXY", "off".into()), ("CGO_ENABLED", "0".into())]);
        Some(Library {
            folder: folder("clients/go"),
            example: words(&["go", "run", "./example"]),
            tests: words(&["go", "test", "-count=1", "./..."]),
            variables,
        })
    }

    pub(crate) fn typescript() -> Library {
        Library {
            folder: folder("clients/typescript"),
            example: words(&["node", "example/calls.mjs"]),
            tests: words(&["node", "--test", "test/keybearer.test.mjs"]),
            variables: Vec::new(),
        }
    }

    pub(crate) fn python() -> Library {
        let python = [folder("tests/interop/.venv/bin/python").into_os_string(), "-B".into()];
        let sources = folder("clients/python/src").into_os_string();
        Library {
            folder: folder("clients/python"),
            example: [&python[..], &words(&["example/calls.py"])].concat(),
            tests: [&python[..], &words(&["-m", "unittest", "discover", "--start-directory", "test"])].concat(),
            variables: vec![("PYTHONPATH", sources)],
        }
    }

    /// The example, not yet started.
    pub(crate) fn example(&self, world: &World, arguments: &[&str]) -> Command {
        let mut command = self.command(world, &self.example);
        command.args(arguments);
        command
    }

    /// Its own tests, not yet started.
    pub(crate) fn tests(&self, world: &World) -> Command {
        self.command(world, &self.tests)
    }

    fn command(&self, world: &World, words: &[OsString]) -> Command {
        let (program, arguments) = words.split_first().unwrap();
        let mut command = world.program(program);
        command.args(arguments).current_dir(&self.folder).envs(self.variables.iter().cloned());
        command
    }
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
