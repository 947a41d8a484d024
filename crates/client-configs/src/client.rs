//! The clients: where their files lie, how to see that they are installed, which ways they can take.
//!
//! What stands here was gathered from the clients' own documentation and code.

use crate::formats::Format;
use crate::places::{Places, System};
use std::fmt;
use std::path::PathBuf;

/// A program that uses MCP servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// Claude Code.
    ClaudeCode,
    /// Claude Desktop.
    ClaudeDesktop,
    /// Visual Studio Code.
    VsCode,
    /// Cursor.
    Cursor,
    /// Windsurf, with its own agent Cascade.
    Windsurf,
    /// Devin on this computer, the heir of Windsurf.
    Devin,
    /// Codex.
    Codex,
    /// Zed.
    Zed,
    /// Gemini CLI.
    GeminiCli,
    /// Goose.
    Goose,
    /// LM Studio.
    LmStudio,
    /// Junie of JetBrains.
    Junie,
    /// Cline in Visual Studio Code.
    Cline,
    /// OpenCode.
    OpenCode,
    /// GitHub Copilot CLI.
    CopilotCli,
}

/// A way in which a client gets fresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// It runs a command that prints headers, at each connection.
    Helper,
    /// It starts `keybearer bridge` and speaks with that.
    Bridge,
    /// It speaks HTTP with the gateway over a local socket.
    Socket,
    /// It speaks HTTP with the gateway on a local port, with a key that is good here alone.
    Gateway,
}

impl Way {
    /// Its name for programs.
    pub fn id(self) -> &'static str {
        match self {
            Way::Helper => "helper",
            Way::Bridge => "bridge",
            Way::Socket => "socket",
            Way::Gateway => "gateway",
        }
    }

    /// The way of this name.
    pub fn from_id(id: &str) -> Option<Self> {
        [Way::Helper, Way::Bridge, Way::Socket, Way::Gateway].into_iter().find(|way| way.id() == id)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is known of a client.
struct Facts {
    id: &'static str,
    name: &'static str,
    format: Format,
    /// The keys that lead to its servers.
    container: &'static [&'static str],
    /// Its files, the one that counts first.
    files: &'static [At],
    /// The one that is made where there is none.
    fresh: At,
    /// The variable that moves its folder, and the file in that.
    moved: Option<(&'static str, &'static str)>,
    /// Folders that only a client makes.
    folders: &'static [At],
    /// The command that starts it.
    executable: Option<&'static str>,
    /// The windowed program.
    program: Option<&'static str>,
    /// The ways that it can take, the best first.
    ways: &'static [Way],
}

/// A place below one of [`Places`].
#[derive(Clone, Copy)]
enum At {
    /// In the user's own folder.
    Home(&'static str),
    /// In the folder `.config`, on every system.
    Config(&'static str),
    /// Where the system wants data.
    Data(&'static str),
    /// In `.config`; on Windows another one, where the system wants data.
    ConfigOrData(&'static str, &'static str),
}

impl At {
    fn path(self, places: &Places) -> PathBuf {
        match (self, places.system) {
            (At::Home(path), _) => places.home.join(path),
            (At::Data(path), _) | (At::ConfigOrData(_, path), System::Windows) => places.data.join(path),
            (At::Config(path), _) | (At::ConfigOrData(path, _), System::Linux | System::MacOs) => {
                places.config.join(path)
            }
        }
    }
}

const BRIDGE: &[Way] = &[Way::Bridge];
const BRIDGE_OR_GATEWAY: &[Way] = &[Way::Bridge, Way::Gateway];

impl Client {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Client; 15] = [
        Client::ClaudeCode,
        Client::ClaudeDesktop,
        Client::VsCode,
        Client::Cursor,
        Client::Windsurf,
        Client::Devin,
        Client::Codex,
        Client::Zed,
        Client::GeminiCli,
        Client::Goose,
        Client::LmStudio,
        Client::Junie,
        Client::Cline,
        Client::OpenCode,
        Client::CopilotCli,
    ];

    /// Its name for programs, such as `claude-code`.
    pub fn id(self) -> &'static str {
        self.facts().id
    }

    /// The client of this name.
    pub fn from_id(id: &str) -> Option<Self> {
        Client::ALL.into_iter().find(|client| client.id() == id)
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The ways that it can take, the best first.
    pub fn ways(self) -> &'static [Way] {
        self.facts().ways
    }

    /// Why it takes this way, for people.
    pub fn why(self, way: Way) -> String {
        match way {
            Way::Helper => {
                format!("{self} asks Keybearer for a fresh header at each connection. No token is written to the file.")
            }
            Way::Bridge if self.ways() == BRIDGE => {
                format!(
                    "{self} can only start programs, so it starts the Keybearer bridge, which adds the token on the way."
                )
            }
            Way::Bridge => {
                format!(
                    "{self} starts the Keybearer bridge, which adds the token on the way. No key is written to the file."
                )
            }
            Way::Socket => {
                format!(
                    "{self} reaches Keybearer over a local socket, which no web page can. No key is written to the file."
                )
            }
            Way::Gateway => format!(
                "{self} reaches Keybearer at a local address. A key that is good on this computer alone is written to the file."
            ),
        }
    }

    /// Its files that may hold servers, the one that counts first. They need not be there.
    pub fn files(self, places: &Places) -> Vec<PathBuf> {
        let facts = self.facts();
        match facts.moved.and_then(|(variable, file)| Some(places.moved.get(variable)?.join(file))) {
            Some(moved) => vec![moved],
            None => facts.files.iter().map(|at| at.path(places)).collect(),
        }
    }

    /// The file that an entry is written to: the one that counts, or the one to be made.
    pub fn file(self, places: &Places) -> PathBuf {
        let mut files = self.files(places);
        let fresh = if files.len() > 1 { self.facts().fresh.path(places) } else { files.remove(0) };
        files.into_iter().find(|file| file.symlink_metadata().is_ok()).unwrap_or(fresh)
    }

    /// Whether it is there: a file or folder of its own, its command, or its program.
    pub fn is_installed(self, places: &Places) -> bool {
        let facts = self.facts();
        let moved = facts.moved.and_then(|(variable, _)| places.moved.get(variable));
        let is_moved_there = moved.is_some_and(|folder| folder.is_dir());
        is_moved_there
            || facts.files.iter().any(|at| at.path(places).is_file())
            || facts.folders.iter().any(|at| at.path(places).is_dir())
            || facts.executable.is_some_and(|name| places.has_executable(name))
            || facts.program.is_some_and(|name| places.has_program(name))
    }

    pub(crate) fn format(self) -> Format {
        self.facts().format
    }

    /// The keys that lead to its servers.
    pub(crate) fn container(self) -> &'static [&'static str] {
        self.facts().container
    }

    #[expect(clippy::too_many_lines, reason = "a table, one row for each client")]
    fn facts(self) -> Facts {
        match self {
            Client::ClaudeCode => Facts {
                id: "claude-code",
                name: "Claude Code",
                format: Format::Json,
                container: &["mcpServers"],
                files: &[At::Home(".claude.json")],
                fresh: At::Home(".claude.json"),
                moved: Some(("CLAUDE_CONFIG_DIR", ".claude.json")),
                folders: &[At::Home(".claude")],
                executable: Some("claude"),
                program: None,
                ways: &[Way::Helper, Way::Bridge, Way::Gateway],
            },
            Client::ClaudeDesktop => Facts {
                id: "claude-desktop",
                name: "Claude Desktop",
                format: Format::Json,
                container: &["mcpServers"],
                files: &[At::Data("Claude/claude_desktop_config.json")],
                fresh: At::Data("Claude/claude_desktop_config.json"),
                moved: None,
                folders: &[At::Data("Claude")],
                executable: Some("claude-desktop"),
                program: Some("Claude"),
                ways: BRIDGE,
            },
            Client::VsCode => Facts {
                id: "vscode",
                name: "VS Code",
                format: Format::Json,
                container: &["servers"],
                files: &[
                    At::Data("Code/User/mcp.json"),
                    At::Data("Code - Insiders/User/mcp.json"),
                    At::Home(".vscode-server/data/User/mcp.json"),
                ],
                fresh: At::Data("Code/User/mcp.json"),
                moved: None,
                folders: &[At::Data("Code/User")],
                executable: Some("code"),
                program: Some("Visual Studio Code"),
                ways: &[Way::Socket, Way::Bridge, Way::Gateway],
            },
            Client::Cursor => Facts {
                id: "cursor",
                name: "Cursor",
                format: Format::Json,
                container: &["mcpServers"],
                files: &[At::Home(".cursor/mcp.json")],
                fresh: At::Home(".cursor/mcp.json"),
                moved: None,
                folders: &[At::Home(".cursor")],
                executable: Some("cursor"),
                program: Some("Cursor"),
                ways: BRIDGE_OR_GATEWAY,
            },
            Client::Windsurf => Facts {
                id: "windsurf",
                name: "Windsurf",
                format: Format::Json,
                container: &["mcpServers"],
                files: &[At::Home(".codeium/windsurf/mcp_config.json"), At::Home(".codeium/mcp_config.json")],
                fresh: At::Home(".codeium/windsurf/mcp_config.json"),
                moved: None,
                folders: &[At::Home(".codeium/windsurf")],
                executable: Some("windsurf"),
                program: Some("Windsurf"),
                ways: BRIDGE_OR_GATEWAY,
            },
            Client::Devin => Facts {
                id: "devin",
                name: "Devin",
                format: Format::Json,
                container: &["mcpServers"],
                files: &[
                    At::ConfigOrData("devin/mcp_config.json", "devin/mcp_config.json"),
                    At::ConfigOrData("devin/config.json", "devin/config.json"),
                ],
                fresh: At::ConfigOrData("devin/config.json", "devin/config.json"),
                moved: None,
                folders: &[At::ConfigOrData("devin", "devin")],
                executable: Some("devin"),
                program: Some("Devin"),
                ways: BRIDGE_OR_GATEWAY,
            },
            Client::Codex => Facts {
                id: "codex",
                name: "Codex",
                format: Format::Toml,
                container: &["mcp_servers"],
                files: &[At::Home(".codex/config.toml")],
                fresh: At::Home(".codex/config.toml"),
                moved: Some(("CODEX_HOME", "config.toml")),
                folders: &[At::Home(".codex")],
                executable: Some("codex"),
                program: Some("Codex"),
                ways: BRIDGE_OR_GATEWAY,
            },
            Client::Zed => Facts {
                id: "zed",
                name: "Zed",
                format: Format::Json,
                container: &["context_servers"],
                files: &[At::ConfigOrData("zed/settings.json", "Zed/settings.json")],
                fresh: At::ConfigOrData("zed/settings.json", "Zed/settings.json"),
                moved: None,
                folders: &[At::ConfigOrData("zed", "Zed")],
                executable: Some("zed"),
                program: Some("Zed"),
                ways: BRIDGE_OR_GATEWAY,
            },
            Client::GeminiCli => Facts {
                id: "gemini-cli",
                name: "Gemini CLI",
                format: Format::Json,
                container: &["mcpServers"],
                files: &[At::Home(".gemini/settings.json")],
                fresh: At::Home(".gemini/settings.json"),
                moved: None,
                folders: &[At::Home(".gemini")],
                executable: Some("gemini"),
                program: None,
                ways: BRIDGE_OR_GATEWAY,
            },
            Client::Goose => Facts {
                id: "goose",
                name: "Goose",
                format: Format::Yaml,
                container: &["extensions"],
                files: &[At::ConfigOrData("goose/config.yaml", "Block/goose/config/config.yaml")],
                fresh: At::ConfigOrData("goose/config.yaml", "Block/goose/config/config.yaml"),
                moved: None,
                folders: &[At::ConfigOrData("goose", "Block/goose")],
                executable: Some("goose"),
                program: Some("Goose"),
                ways: BRIDGE_OR_GATEWAY,
            },
            Client::LmStudio => Facts {
                id: "lm-studio",
                name: "LM Studio",
                format: Format::Json,
                container: &["mcpServers"],
                files: &[At::Home(".lmstudio/mcp.json"), At::Home(".cache/lm-studio/mcp.json")],
                fresh: At::Home(".lmstudio/mcp.json"),
                moved: None,
                folders: &[At::Home(".lmstudio")],
                executable: Some("lms"),
                program: Some("LM Studio"),
                ways: BRIDGE_OR_GATEWAY,
            },
            Client::Junie => Facts {
                id: "junie",
                name: "Junie",
                format: Format::Json,
                container: &["mcpServers"],
                files: &[At::Home(".junie/mcp/mcp.json")],
                fresh: At::Home(".junie/mcp/mcp.json"),
                moved: None,
                folders: &[At::Home(".junie")],
                executable: Some("junie"),
                program: None,
                ways: BRIDGE,
            },
            Client::Cline => Facts {
                id: "cline",
                name: "Cline",
                format: Format::Json,
                container: &["mcpServers"],
                files: &[At::Data("Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json")],
                fresh: At::Data("Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"),
                moved: None,
                folders: &[At::Data("Code/User/globalStorage/saoudrizwan.claude-dev")],
                executable: None,
                program: None,
                ways: BRIDGE_OR_GATEWAY,
            },
            Client::OpenCode => Facts {
                id: "opencode",
                name: "OpenCode",
                format: Format::Json,
                container: &["mcp"],
                // The one with comments covers the other.
                files: &[At::Config("opencode/opencode.jsonc"), At::Config("opencode/opencode.json")],
                fresh: At::Config("opencode/opencode.json"),
                moved: None,
                folders: &[At::Config("opencode")],
                executable: Some("opencode"),
                program: Some("OpenCode"),
                ways: BRIDGE_OR_GATEWAY,
            },
            Client::CopilotCli => Facts {
                id: "copilot-cli",
                name: "Copilot CLI",
                format: Format::Json,
                container: &["mcpServers"],
                files: &[At::Home(".copilot/mcp-config.json")],
                fresh: At::Home(".copilot/mcp-config.json"),
                moved: Some(("COPILOT_HOME", "mcp-config.json")),
                folders: &[At::Home(".copilot")],
                executable: Some("copilot"),
                program: None,
                ways: BRIDGE_OR_GATEWAY,
            },
        }
    }
}
