//! Where files lie, on each system.

use crate::home::{Home, write};
use keybearer_client_configs::{Client, Places, System};
use std::path::Path;

/// Where the file of each client lies below the user's folder: on Linux, macOS and Windows.
const FILES: [(Client, [&str; 3]); 15] = [
    (Client::ClaudeCode, [".claude.json"; 3]),
    (
        Client::ClaudeDesktop,
        [
            ".config/Claude/claude_desktop_config.json",
            "Library/Application Support/Claude/claude_desktop_config.json",
            "AppData/Roaming/Claude/claude_desktop_config.json",
        ],
    ),
    (
        Client::VsCode,
        [
            ".config/Code/User/mcp.json",
            "Library/Application Support/Code/User/mcp.json",
            "AppData/Roaming/Code/User/mcp.json",
        ],
    ),
    (Client::Cursor, [".cursor/mcp.json"; 3]),
    (Client::Windsurf, [".codeium/windsurf/mcp_config.json"; 3]),
    (
        Client::Devin,
        [".config/devin/mcp_config.json", ".config/devin/mcp_config.json", "AppData/Roaming/devin/mcp_config.json"],
    ),
    (Client::Codex, [".codex/config.toml"; 3]),
    (Client::Zed, [".config/zed/settings.json", ".config/zed/settings.json", "AppData/Roaming/Zed/settings.json"]),
    (Client::GeminiCli, [".gemini/settings.json"; 3]),
    (
        Client::Goose,
        [".config/goose/config.yaml", ".config/goose/config.yaml", "AppData/Roaming/Block/goose/config/config.yaml"],
    ),
    (Client::LmStudio, [".lmstudio/mcp.json"; 3]),
    (Client::Junie, [".junie/mcp/mcp.json"; 3]),
    (
        Client::Cline,
        [
            ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
            "Library/Application Support/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
            "AppData/Roaming/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        ],
    ),
    (Client::OpenCode, [".config/opencode/opencode.jsonc"; 3]),
    (Client::CopilotCli, [".copilot/mcp-config.json"; 3]),
];

#[test]
fn files_lie_where_each_client_looks_on_each_system() {
    assert_eq!(FILES.map(|(client, _)| client), Client::ALL);
    for (client, expected) in FILES {
        for (system, expected) in [System::Linux, System::MacOs, System::Windows].into_iter().zip(expected) {
            let places = Places::below(system, Path::new("/home/ada"));
            assert_eq!(client.files(&places)[0], Path::new("/home/ada").join(expected), "{client} {system:?}");
        }
    }
}

#[test]
fn names_for_programs_lead_back() {
    for client in Client::ALL {
        assert_eq!(Client::from_id(client.id()), Some(client));
        for way in client.ways() {
            assert!(client.why(*way).starts_with(client.name()));
        }
    }
    assert_eq!(Client::from_id("emacs"), None);
}

#[test]
fn a_folder_that_the_user_has_moved_is_the_one_that_counts() {
    let mut places = Places::below(System::Linux, Path::new("/home/ada"));
    places.moved.insert("CODEX_HOME", "/data/codex".into());
    places.moved.insert("CLAUDE_CONFIG_DIR", "/data/claude".into());
    assert_eq!(Client::Codex.files(&places), [Path::new("/data/codex/config.toml")]);
    assert_eq!(Client::ClaudeCode.files(&places), [Path::new("/data/claude/.claude.json")]);
    assert_eq!(Client::CopilotCli.files(&places), [Path::new("/home/ada/.copilot/mcp-config.json")]);
}

#[test]
fn a_client_is_seen_by_its_folder_its_command_or_its_program() {
    let mut home = Home::on(System::MacOs);
    let is_there = |home: &Home, client: Client| client.is_installed(&home.places);
    assert!(Client::ALL.iter().all(|client| !is_there(&home, *client)), "nobody is here yet");

    write(&home.path(".cursor/extensions.json"), "[]");
    assert!(is_there(&home, Client::Cursor));
    write(&home.path("bin/codex"), "");
    home.places.executables.push(home.path("bin"));
    assert!(is_there(&home, Client::Codex));
    write(&home.path("Applications/Claude.app/Contents/Info.plist"), "");
    assert!(is_there(&home, Client::ClaudeDesktop) && !is_there(&home, Client::ClaudeCode));
}

#[test]
fn what_is_there_is_written_to_and_what_covers_it_first() {
    let home = Home::new();
    let [commented, plain] = ["opencode.jsonc", "opencode.json"].map(|name| home.path(".config/opencode").join(name));
    assert_eq!(Client::OpenCode.file(&home.places), plain, "a new one needs no comments");
    write(&plain, "{}");
    assert_eq!(Client::OpenCode.file(&home.places), plain);
    write(&commented, "{}");
    assert_eq!(Client::OpenCode.file(&home.places), commented);
}
