//! The executables themselves: what they link, and how the agent protects its memory.

use keybearer_tests::executables::executable;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use std::ffi::OsStr;
use std::fs;
use std::process::Command;

#[test]
fn command_and_agent_link_no_window_and_no_bus_library() {
    for name in ["keybearer", "keybearer-agent"] {
        let output = Command::new("ldd").arg(executable(name)).output().unwrap();
        let libraries = String::from_utf8_lossy(&output.stdout).to_lowercase();
        assert!(libraries.contains("libc.so"), "{libraries}");
        for banned in ["gtk", "webkit", "dbus", "libssl", "libx11"] {
            assert!(!libraries.contains(banned), "{name} links {banned}: {libraries}");
        }
    }
}

#[test]
fn the_agent_leaves_no_core_and_lets_nobody_read_its_memory() {
    let world = World::new().unwrap();
    let start = world.command(&["agent", "start"]);
    let mut started = without_ptrace(start.get_program());
    started.args(start.get_args()).env_clear().envs(start.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert!(started.output().unwrap().status.success());
    let pid = world.agent_pid().unwrap();
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"]);
    let mut ordinary = without_ptrace("sleep".as_ref()).arg("60").spawn().unwrap();
    let opens = |pid: u32| {
        // Guarded like the memory itself, and unlike it by no other right.
        let reader = without_ptrace("readlink".as_ref()).arg(format!("/proc/{pid}/exe")).output().unwrap();
        reader.status.success()
    };
    until("an ordinary program to be readable", || Ok(opens(ordinary.id()).then_some(()))).unwrap();
    assert!(!opens(pid));
    ordinary.kill().unwrap();
    ordinary.wait().unwrap();
}

/// A program as this user, without root's right to look into every process.
fn without_ptrace(program: &OsStr) -> Command {
    let is_root = std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap()) == 0;
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]).arg(program);
    command
}
