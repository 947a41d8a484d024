//! The executables themselves: what they link, and how the agent protects its memory.

use keybearer_tests::executables::executable;
use keybearer_tests::world::World;
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
    world.ok(&["status"]).unwrap();
    let pid = world.agent_pid().unwrap();
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"]);
    // The files of a process that can't be dumped belong to root, whoever runs it: only a view from another user
    // tells. Root itself sees no difference.
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(format!("/proc/{pid}/environ")).unwrap());
    assert_eq!(owner, 0);
}
