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
    "flock",
    "setpriv",
    "unshare",
    "bwrap",
    "tmux",
    "screen",
    "zellij",
    "direnv",
    "mise",
    "volta-shim",
    "uv",
    "uvx",
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
/// Options that neither take a value nor change what is run, for each interpreter. Behind any other, the next word may be
/// anything: a value, or an argument of code that comes from elsewhere.
const HARMLESS: &[(&str, &[&str])] = &[
    ("python", &["-u", "-B", "-E", "-I", "-O", "-OO", "-s", "-S", "-q"]),
    ("pypy", &["-u", "-B", "-E", "-I", "-O", "-OO", "-s", "-S", "-q"]),
    ("node", &["--no-warnings", "--no-deprecation", "--enable-source-maps"]),
    ("nodejs", &["--no-warnings", "--no-deprecation", "--enable-source-maps"]),
    ("ruby", &["-w"]),
    ("perl", &["-w", "-T"]),
];
/// The same for shells, as letters behind one dash.
const HARMLESS_IN_SHELLS: &str = "euvx";
/// The same of PowerShell, which takes them in capitals and small letters alike.
const HARMLESS_TO_POWERSHELL: &[&str] = &["-noprofile", "-nologo", "-noninteractive"];
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
    "ninja",
    "just",
    "cargo",
    "busybox",
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
    "docker",
    "podman",
    "systemd-run",
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
    if !runs_others_words(file) {
        return Role::Program(None);
    }
    match script() {
        None if is_the_systems && SHELLS.contains(&file) => Role::Between,
        script => Role::Program(script),
    }
}

/// Whether the system's program of this name stands for whatever runs in it.
pub(super) fn is_host(file: &str) -> bool {
    HOSTS.contains(&file)
}

/// Whether what runs is one of the many tools that this one file can be, and none of its shells.
#[cfg(target_os = "linux")]
pub(super) fn is_tool(file: &str, arguments: &[String]) -> bool {
    file == "busybox" && shell_words(file, arguments).is_none()
}

/// Whether the executable of this name runs what somebody else wrote.
pub(super) fn runs_others_words(file: &str) -> bool {
    SHELLS.contains(&file) || INTERPRETERS.contains(&versionless(file))
}

/// The name without the version that may follow it.
fn versionless(file: &str) -> &str {
    file.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-')
}

/// What a shell was told: its arguments behind its own name. None if the executable is no shell, or not called as one.
fn shell_words<'a>(file: &str, arguments: &'a [String]) -> Option<&'a [String]> {
    let (own, words) = arguments.split_first().unzip();
    let words: &[String] = words.unwrap_or_default();
    if file != "busybox" {
        return SHELLS.contains(&file).then_some(words);
    }
    // Many tools in one: the name that it is called by tells which, or its first word does.
    let is_shell = |name: &str| ["sh", "ash", "hush"].contains(&name);
    match name_of(own?) {
        "busybox" => words.split_first().filter(|(applet, _)| is_shell(applet)).map(|(_, rest)| rest),
        applet => is_shell(applet.trim_start_matches('-')).then_some(words),
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The word that names the script which an interpreter runs: the first behind nothing but harmless options.
pub(super) fn script_word(interpreter: &str, arguments: &[String]) -> Option<String> {
    match interpreter {
        // What follows `/c` is code, and nothing else is run.
        "cmd" => return None,
        "powershell" | "pwsh" => return powershells_script(interpreter, arguments.iter().skip(1)).cloned(),
        _ => {}
    }
    let kind = versionless(interpreter);
    let (words, is_shell) = match shell_words(interpreter, arguments) {
        Some(words) => (words, true),
        None if interpreter == "busybox" => return None,
        None => (arguments.get(1..)?, false),
    };
    let is_harmless = |word: &&String| match word.strip_prefix('-') {
        Some(letters) if is_shell && !["fish", "nu"].contains(&kind) => {
            !letters.is_empty() && letters.chars().all(|letter| HARMLESS_IN_SHELLS.contains(letter))
        }
        _ => HARMLESS.iter().any(|(name, options)| *name == kind && options.contains(&word.as_str())),
    };
    let mut words = words.iter().skip_while(is_harmless).peekable();
    words.next_if(|word| *word == "--");
    let runs = words.next_if(|word| *word == "run" && ["deno", "bun"].contains(&kind)).is_some();
    let word = words.next().filter(|word| !word.starts_with('-'))?;
    let is_file = match kind {
        // Any other word is a command of its own, or the name of one in a file of the project.
        "deno" => runs || word.contains(['.', '/']),
        "bun" => word.starts_with(['.', '/']) && !arguments.first()?.ends_with("bunx"),
        // Any other word is a class, wherever that comes from.
        "java" => word.ends_with(".java"),
        "node" | "nodejs" => word != "inspect",
        _ => true,
    };
    is_file.then(|| word.clone())
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
            assert!(runs_others_words(name), "{name}");
        }
        for name in ["pythonista", "claude", "3", ""] {
            assert!(!runs_others_words(name), "{name}");
        }
    }

    #[test]
    fn a_script_is_the_first_word_behind_harmless_options_or_there_is_none() {
        let word = |line: &str| {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            script_word(&name_of(&arguments[0]).replace("bunx", "bun"), &arguments)
        };
        for (line, expected) in [
            ("python3 bot.py", Some("bot.py")),
            ("python3.11 -u -B bot.py --flag", Some("bot.py")),
            ("node --no-warnings -- app.js", Some("app.js")),
            ("deno run app.ts", Some("app.ts")),
            ("bun ./app.ts", Some("./app.ts")),
            ("bun run ./app.ts", Some("./app.ts")),
            ("java Tool.java", Some("Tool.java")),
            ("bash script.sh -c x", Some("script.sh")),
            ("sh -eux script.sh", Some("script.sh")),
            ("busybox sh script.sh", Some("script.sh")),
            // Code, or an option whose value looks like a script.
            ("python3 -c print(1) bot.py", None),
            ("python3 -cprint(1) bot.py", None),
            ("python3 -m http.server", None),
            ("bash -lc evil good.sh", None),
            ("bash -s good.sh", None),
            ("bash --init-file shellIntegration-bash.sh -c evil", None),
            ("fish -e good.fish", None),
            ("perl -I good.pl evil.pl", None),
            ("ruby -I good.rb evil.rb", None),
            ("perl -S good.pl", None),
            ("php -B good.php", None),
            ("node --inspect good.js", None),
            ("node --inspect-brk=9229 good.js", None),
            ("node inspect good.js", None),
            ("node --require=./evil.js good.js", None),
            ("node -r ./instrument.js app.js", None),
            ("java -cp lib.jar Main", None),
            ("java Main", None),
            // What a project's own file says is run under these names.
            ("bun run app.ts", None),
            ("bunx ./server", None),
            ("bun x server", None),
            ("deno eval evil", None),
            ("deno task start", None),
            ("busybox nc good.sh", None),
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
}
