//! When a client takes note of what was written.

use crate::client::Client;

impl Client {
    /// What a person does so that a change of its file counts, in a sentence.
    pub fn takes_effect(self) -> &'static str {
        match self {
            Client::ClaudeCode => "Claude Code takes note of it at the start of its next session.",
            Client::ClaudeDesktop => "Quit Claude Desktop and start it again: it reads its file when it starts.",
            Client::VsCode => "VS Code takes note of it at once; start the server there if it isn't started by itself.",
            Client::Cursor => {
                "Cursor takes note of it at once; if it doesn't, switch the server off and on in its settings."
            }
            Client::Windsurf => "Refresh the list of servers in Windsurf, or start it again.",
            Client::Devin => "Start Devin again: it reads its file when it starts.",
            Client::Codex => "Codex takes note of it at the start of its next session.",
            Client::Zed => "Zed takes note of it at once.",
            Client::GeminiCli => "Gemini CLI takes note of it at the start of its next session.",
            Client::Goose => "Goose takes note of it at the start of its next session.",
            Client::LmStudio => "Start LM Studio again: it reads its file when it starts.",
            Client::Junie => "Restart the IDE that Junie runs in.",
            Client::Cline => "Cline takes note of it at once.",
            Client::OpenCode => "OpenCode takes note of it when it is started next.",
            Client::CopilotCli => "Copilot CLI takes note of it at the start of its next session.",
        }
    }
}
