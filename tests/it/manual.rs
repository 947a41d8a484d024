//! What shells complete, and the manual: real ones, made from what can be typed.

use keybearer_tests::world::World;
use std::process::Command;

/// What a program prints, which must be well with it.
fn prints(world: &World, program: &str, arguments: &[&str]) -> String {
    let folder = world.keybearer().parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let mut command: Command = world.program(program);
    let output =
        command.args(arguments).env("PATH", path).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{program}: {out} {err}");
    out.into_owned()
}

#[test]
fn bash_completes_commands_and_their_options() {
    let world = World::new().unwrap();
    let script = "source <(keybearer completions bash); complete -p keybearer; COMP_WORDS=(keybearer sign-); COMP_CWORD=1; \
        _keybearer keybearer sign- keybearer; echo \"${COMPREPLY[@]}\"; COMP_WORDS=(keybearer token --min); COMP_CWORD=2; \
        _keybearer keybearer --min token; echo \"${COMPREPLY[@]}\"";
    let said = prints(&world, "bash", &["-c", script]);
    assert!(said.contains("-F _keybearer"), "{said}");
    let completed: Vec<&str> = said.lines().skip(1).collect();
    assert_eq!(completed, ["sign-in sign-out", "--min-ttl"], "{said}");
}

#[test]
fn every_shell_gets_a_script_that_knows_every_command() {
    let world = World::new().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = world.ok(&["completions", shell]).unwrap();
        assert!(["sign-in", "headers", "completions", "doctor"].iter().all(|word| script.contains(word)), "{shell}");
    }
    assert_eq!(world.run(&["completions", "cmd"]).unwrap().code, 64);
    // Nothing of it needs an agent.
    assert_eq!(world.agent_pid(), None);
}

#[test]
fn man_shows_the_command_and_a_page_for_each_of_its_commands() {
    let world = World::new().unwrap();
    let folder = world.session.folder().join("man1");
    std::fs::create_dir(&folder).unwrap();
    world.ok(&["man", "--into", folder.to_str().unwrap()]).unwrap();
    let page = |name: &str| {
        let path = folder.join(name);
        prints(&world, "man", &["-l", "--warnings", path.to_str().unwrap()])
    };
    let whole = page("keybearer.1");
    assert!(whole.contains("NAME") && whole.contains("keybearer-sign-in(1)"), "{whole}");
    assert!(page("keybearer-token.1").contains("--min-ttl"));
    assert_eq!(std::fs::read_to_string(folder.join("keybearer.1")).unwrap().trim_end(), world.ok(&["man"]).unwrap());
    assert_eq!(world.run(&["man", "--into", "/nowhere/at/all"]).unwrap().code, 23);
}
