//! The files of MCP clients: their servers come in, and an account is written into one and taken back.

use crate::screens::Window;
use crate::stage::Stage;
use std::fs;

const TOKEN: &str = "lin_planted_0123456789abcdef";
const CODE: &str = r#"{ "servers": { "docs": { "type": "http", "url": "https://docs.example.com/mcp" } } }"#;

/// Servers of somebody who uses Claude Code.
fn claude_file() -> String {
    format!(
        r#"{{
  "numStartups": 12,
  "mcpServers": {{
    "linear": {{
      "type": "http",
      "url": "https://mcp.linear.app/mcp",
      "headers": {{
        "Authorization": "Bearer {TOKEN}"
      }}
    }}
  }}
}}
"#
    )
}

#[test]
fn servers_of_clients_are_imported_and_an_account_is_installed_and_taken_back() {
    let mut stage = Stage::new().unwrap();
    let claude = stage.world.session.write("home/.claude.json", &claude_file()).unwrap();
    let code = stage.world.session.write("config/Code/User/mcp.json", CODE).unwrap();
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.says("Token in plain text").unwrap();
    window.import("Import 2 servers").unwrap();
    window.lists("linear", "Needs sign-in").unwrap();
    window.lists("docs", "Needs sign-in").unwrap();
    assert_eq!(fs::read_to_string(&claude).unwrap(), claude_file(), "an import only reads");
    assert_eq!(fs::read_to_string(&code).unwrap(), CODE, "an import only reads");

    window.show("linear").unwrap();
    window.go_to_use_it_from("Claude Code").unwrap();
    window.says("Add linear to Claude Code").unwrap();
    window.says("headersHelper").unwrap();
    assert!(!page.text().unwrap().contains(TOKEN), "the window shows a token of the file");
    assert_eq!(fs::read_to_string(&claude).unwrap(), claude_file(), "a preview only reads");
    window.install().unwrap();
    window.says("Claude Code uses linear now.").unwrap();
    let written = fs::read_to_string(&claude).unwrap();
    assert!(written.contains("headersHelper") && !written.contains(TOKEN), "{written}");

    window.undo_by_key().unwrap();
    window.says("Taken back from Claude Code.").unwrap();
    assert_eq!(fs::read_to_string(&claude).unwrap(), claude_file(), "byte for byte as it was");
}
