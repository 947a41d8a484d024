//! What each process of a chain is to whoever is asked: a program of its own, or something between (REQ-I6), and which
//! word of an interpreter's command line is the script (REQ-I7). One list for all systems: only names that the system
//! itself has given count.

use std::path::PathBuf;

/// Run what somebody else wants run, and are themselves nobody that a person would name.
const LAUNCHERS: &[&str] = &[
    "env",
    "sudo",
    "doas",
    "su",
    "nohup",
    "setsid",
    "nice",
    "ionice",
    "chrt",
    "taskset",
    "timeout",
    "time",
    "xargs",
    "stdbuf",
    "script",
    "watch",
    "unshare",
    "tmux",
    "screen",
    "zellij",
    "conhost",
    "openconsole",
    "winpty-agent",
];
/// Stand for the whole session: what they start has no better name, and an answer for them would hold for everything.
const SESSIONS: &[&str] = &[
    "systemd",
    "init",
    "dbus-daemon",
    "dbus-broker",
    "sshd",
    "login",
    "cron",
    "crond",
    "containerd-shim",
    "docker-init",
    "tini",
    "dumb-init",
    "runsvdir",
    "s6-svscan",
    "launchd",
    "explorer",
    "services",
    "svchost",
    "winlogon",
    "userinit",
    "sihost",
    "taskhostw",
    "runtimebroker",
];
/// Shells: with a script they are interpreters.
const SHELLS: &[&str] =
    &["sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "busybox", "tcsh", "csh", "nu", "cmd", "powershell", "pwsh"];
/// Interpreters: the executable says nothing, the script all. Versions may follow the name.
const INTERPRETERS: &[&str] = &[
    "python", "pypy", "node", "nodejs", "bun", "deno", "ruby", "perl", "php", "lua", "java", "javaw", "pythonw", "py",
    "pwsh", "Rscript",
];
/// Options that neither take a value nor change what is run. Behind any other, the next word may be anything.
const HARMLESS: &[&str] = &[
    "-u",
    "-B",
    "-E",
    "-I",
    "-O",
    "-OO",
    "-s",
    "-S",
    "-q",
    "--no-warnings",
    "--no-deprecation",
    "--enable-source-maps",
];
/// The same of PowerShell, which takes them in capitals and small letters alike.
const HARMLESS_TO_POWERSHELL: &[&str] = &["-noprofile", "-nologo", "-noninteractive"];
/// Words before the script that are the interpreter's own.
const SUBCOMMANDS: &[(&str, &str)] = &[("deno", "run"), ("bun", "run")];
/// The system's own programs that stand for whatever runs in them, or run what they are told: an answer for good would
/// be one for every program of this user.
const HOSTS: &[&str] = &[
    "gnome-terminal-server",
    "gnome-terminal-",
    "kgx",
    "ptyxis",
    "ptyxis-agent",
    "konsole",
    "xterm",
    "uxterm",
    "urxvt",
    "rxvt",
    "alacritty",
    "kitty",
    "foot",
    "wezterm-gui",
    "ghostty",
    "terminator",
    "tilix",
    "tilda",
    "guake",
    "yakuake",
    "terminology",
    "xfce4-terminal",
    "mate-terminal",
    "lxterminal",
    "qterminal",
    "gnome-shell",
    "plasmashell",
    "kwin_wayland",
    "xfce4-panel",
    "code",
    "codium",
    "cursor",
    "zed",
    "emacs",
    "vim",
    "nvim",
    "make",
    "git",
    "gdb",
    "strace",
    "awk",
    "gawk",
    "mawk",
    "find",
    "expect",
    "tclsh",
    "guile",
    "dotnet",
    "mono",
    "beam.smp",
    "luajit",
    "socat",
    "ssh",
    "windowsterminal",
    "wscript",
    "cscript",
    "mshta",
    "rundll32",
    "regsvr32",
    "msbuild",
    "wsl",
    "terminal",
    "iterm2",
    "osascript",
];

/// What a process is in the chain.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Our own command, a shell at its prompt, or something that only starts others.
    Between,
    /// The system or the session.
    Session,
    /// A program of its own; with the script that it runs.
    Program(Option<PathBuf>),
}

/// What a process that runs the file of this name is, as a rule. On Windows the name is in small letters and without `.exe`.
pub(super) fn role(file: &str, is_the_systems: bool, script: impl FnOnce() -> Option<PathBuf>) -> Role {
    if is_the_systems && SESSIONS.contains(&file) {
        return Role::Session;
    }
    if is_the_systems && LAUNCHERS.contains(&file) {
        return Role::Between;
    }
    if !interprets(file) {
        return Role::Program(None);
    }
    match script() {
        None if is_the_systems && SHELLS.contains(&file) => Role::Between,
        script => Role::Program(script),
    }
}

/// The process of a chain that a person would name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Its place; the caller's is 0.
    pub(super) place: usize,
    /// The script that it runs.
    pub(super) script: Option<PathBuf>,
    /// Whether it is a program: else it is the outermost of those between.
    pub(super) is_named: bool,
}

/// The nearest program of a chain, whose processes come the nearest first.
pub(super) fn named(roles: impl Iterator<Item = Role>) -> Named {
    let mut outermost = 0;
    for (place, role) in roles.enumerate() {
        match role {
            Role::Between => outermost = place,
            Role::Session => break,
            Role::Program(script) => return Named { place, script, is_named: true },
        }
    }
    Named { place: outermost, script: None, is_named: false }
}

/// Whether the system's program of this name stands for whatever runs in it.
pub(super) fn is_host(file: &str) -> bool {
    HOSTS.contains(&file)
}

/// Whether the executable of this name runs scripts: its version may follow the name.
pub(super) fn interprets(file: &str) -> bool {
    let versionless = file.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    SHELLS.contains(&file) || INTERPRETERS.contains(&versionless)
}

/// The word of a command line that names the script: the first, behind nothing but harmless options.
pub(super) fn script_word(interpreter: &str, arguments: &[String]) -> Option<String> {
    let words = arguments.iter().skip(1);
    match interpreter {
        // What follows `/c` is code, and nothing else is run.
        "cmd" => return None,
        "powershell" | "pwsh" => return powershells_script(interpreter, words).cloned(),
        _ => {}
    }
    let mut words = words.skip_while(|word| HARMLESS.contains(&word.as_str())).peekable();
    words.next_if(|word| *word == "--");
    words.next_if(|word| SUBCOMMANDS.contains(&(interpreter, word.as_str())));
    words.next().filter(|word| !word.starts_with('-')).cloned()
}

/// The word behind `-File`; for the newer `pwsh` the first word means the same.
fn powershells_script<'a>(interpreter: &str, mut words: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    loop {
        let word = words.next()?;
        match word.to_ascii_lowercase().as_str() {
            "-file" => return words.next(),
            "-executionpolicy" => drop(words.next()?),
            option if HARMLESS_TO_POWERSHELL.contains(&option) => {}
            option => return Some(word).filter(|_| interpreter == "pwsh" && !option.starts_with('-')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_behind_an_interpreters_name_dont_hide_it() {
        for name in ["python3", "python3.11", "node", "ruby3.1", "pypy3", "lua5.4", "bash"] {
            assert!(interprets(name), "{name}");
        }
        for name in ["pythonista", "claude", "3", ""] {
            assert!(!interprets(name), "{name}");
        }
    }

    #[test]
    fn a_script_is_the_first_word_behind_harmless_options_or_there_is_none() {
        let word = |line: &str| {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            script_word(&arguments[0], &arguments)
        };
        for (line, expected) in [
            ("python3 bot.py", Some("bot.py")),
            ("python3 -u -B bot.py --flag", Some("bot.py")),
            ("node --no-warnings -- app.js", Some("app.js")),
            ("deno run app.ts", Some("app.ts")),
            ("bash script.sh -c x", Some("script.sh")),
            // Code, or an option whose value looks like a script.
            ("python3 -c print(1) bot.py", None),
            ("python3 -cprint(1) bot.py", None),
            ("python3 -m http.server", None),
            ("bash -lc evil good.sh", None),
            ("bash --init-file shellIntegration-bash.sh -c evil", None),
            ("node --require=./evil.js good.js", None),
            ("node -r ./instrument.js app.js", None),
            ("java -cp lib.jar Main", None),
            ("deno eval evil", Some("eval")),
            ("python3", None),
            ("cmd /c bot.bat", None),
            ("powershell -NoProfile -ExecutionPolicy Bypass -File bot.ps1", Some("bot.ps1")),
            ("powershell bot.ps1", None),
            ("pwsh -nologo bot.ps1", Some("bot.ps1")),
            ("pwsh -Command bot.ps1", None),
            ("pwsh -ExecutionPolicy", None),
        ] {
            assert_eq!(word(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn the_nearest_program_is_named_and_the_session_never() {
        let script = || Some(PathBuf::from("bot.py"));
        let chain = |names: &[(&str, bool)]| named(names.iter().map(|(name, ours)| role(name, *ours, || None)));
        let program = |place| Named { place, script: None, is_named: true };
        assert_eq!(chain(&[("cmd", true), ("claude", false), ("explorer", true)]), program(1));
        assert_eq!(chain(&[("conhost", true), ("pwsh", true), ("windowsterminal", true)]), program(2));
        let bare = Named { place: 1, script: None, is_named: false };
        assert_eq!(chain(&[("powershell", true), ("cmd", true), ("explorer", true), ("claude", false)]), bare);
        // Whoever only borrows the name is a program as any other.
        assert_eq!(chain(&[("explorer", false), ("claude", false)]), program(0));
        assert_eq!(role("python3", true, script), Role::Program(script()));
    }
}
