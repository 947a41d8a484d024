//! How an entry of ours is said in each client's own words.

use crate::client::{Client, Way};
use crate::error::Error;
use crate::places::{Places, System};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

/// How a client is to reach a server through Keybearer.
#[derive(Clone, Debug)]
pub enum Connection {
    /// The client asks the server itself, with headers that a command prints.
    Helper {
        /// The MCP server's address.
        url: String,
        /// The command with its words; it is written so that a shell takes it as these words.
        command: Vec<String>,
    },
    /// The client starts a program and speaks with that.
    Bridge {
        /// The program, with its whole path.
        command: String,
        /// What is said to it. No secret belongs here.
        args: Vec<String>,
    },
    /// The client speaks HTTP over a local socket.
    Socket {
        /// Such as `unix:///run/user/1000/keybearer/…/gateway-http.v1.sock#/mcp/linear-work`.
        url: String,
    },
    /// The client speaks HTTP at a local address.
    Gateway {
        /// Such as `http://127.0.0.1:47840/mcp/linear-work`.
        url: String,
        /// What it is to send along: the key that is good at this address alone, as [`GATEWAY_HEADER`].
        ///
        /// [`GATEWAY_HEADER`]: crate::entry::GATEWAY_HEADER
        headers: Vec<(String, SecretString)>,
    },
}

/// What an entry is to say.
pub(crate) struct Words {
    /// What makes it lead to Keybearer.
    pub(crate) said: Map<String, Value>,
    /// What belongs to an entry of this client, where it isn't said otherwise.
    pub(crate) usual: Map<String, Value>,
}

/// The keys by which clients say how a server is reached, and with which secrets. They go from an entry that is taken over;
/// all others stay.
pub(crate) const REACHING: &[&str] = &[
    "type",
    "transport",
    "transportType",
    "source",
    "url",
    "serverUrl",
    "httpUrl",
    "uri",
    "command",
    "cmd",
    "args",
    "cwd",
    "env",
    "envs",
    "env_keys",
    "env_vars",
    "envFile",
    "environment",
    "headers",
    "http_headers",
    "env_http_headers",
    "headersHelper",
    "bearer_token",
    "bearer_token_env_var",
    "oauth",
    "oauth_resource",
    "scopes",
    "auth",
    "authProviderType",
    "targetAudience",
    "targetServiceAccount",
];

impl Connection {
    /// Which way it is.
    pub fn way(&self) -> Way {
        match self {
            Connection::Helper { .. } => Way::Helper,
            Connection::Bridge { .. } => Way::Bridge,
            Connection::Socket { .. } => Way::Socket,
            Connection::Gateway { .. } => Way::Gateway,
        }
    }

    /// What an entry of this name says for it, in the client's words.
    pub(crate) fn words(&self, client: Client, name: &str, places: &Places) -> Result<Words, Error> {
        let way = self.way();
        if !client.ways().contains(&way) {
            return Err(Error::WrongWay { client, way });
        }
        self.check(client, places)?;
        let said = match self {
            Connection::Helper { url, command } => {
                json!({ "type": "http", "url": url, "headersHelper": shell_line(command, places.system) })
            }
            Connection::Socket { url } => json!({ "type": "http", "url": url }),
            Connection::Bridge { command, args } => bridge(client, command, args),
            Connection::Gateway { url, headers } => {
                let headers = headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().into()));
                gateway(client, url, Value::Object(headers.collect()))
            }
        };
        let usual = match client {
            Client::CopilotCli => json!({ "tools": ["*"] }),
            Client::OpenCode => json!({ "enabled": true }),
            Client::Goose => json!({ "enabled": true, "name": name, "description": "", "timeout": 300 }),
            Client::ClaudeCode
            | Client::ClaudeDesktop
            | Client::VsCode
            | Client::Cursor
            | Client::Windsurf
            | Client::Devin
            | Client::Codex
            | Client::Zed
            | Client::GeminiCli
            | Client::LmStudio
            | Client::Junie
            | Client::Cline => json!({}),
        };
        Ok(Words { said: members(said), usual: members(usual) })
    }

    /// Refuses what the client would fill in, or break apart.
    fn check(&self, client: Client, places: &Places) -> Result<(), Error> {
        let misread = |what| Err(Error::Misread { client, what });
        let (address, words): (&str, Vec<&String>) = match self {
            Connection::Helper { url, command } => (url, command.iter().collect()),
            Connection::Bridge { command, args } => ("", args.iter().chain([command]).collect()),
            Connection::Socket { url } => (url, Vec::new()),
            Connection::Gateway { url, headers } => (url, headers.iter().map(|(name, _)| name).collect()),
        };
        let is_filled_in = |text: &str| ["${", "{env:", "{file:"].iter().any(|start| text.contains(start));
        if is_filled_in(address) {
            return misread("the address");
        }
        let is_control = |word: &&String| word.chars().any(char::is_control);
        if words.iter().any(|word| is_filled_in(word)) || words.iter().any(is_control) {
            return misread("the command");
        }
        let is_windows = places.system == System::Windows;
        if matches!(self, Connection::Helper { .. }) && is_windows && words.iter().any(|word| word.contains(['"', '%']))
        {
            return misread("the command");
        }
        // Both hand words to a shell without quotes there.
        let breaks_spaces = is_windows && matches!(client, Client::ClaudeDesktop | Client::Cursor);
        if breaks_spaces
            && matches!(self, Connection::Bridge { args, .. } if args.iter().any(|word| word.contains(' ')))
        {
            return misread("a name with a space");
        }
        Ok(())
    }
}

fn bridge(client: Client, command: &str, args: &[String]) -> Value {
    match client {
        Client::ClaudeCode | Client::VsCode | Client::Cursor | Client::Cline => {
            json!({ "type": "stdio", "command": command, "args": args })
        }
        Client::Zed => json!({ "source": "custom", "command": command, "args": args }),
        Client::Goose => json!({ "type": "stdio", "cmd": command, "args": args }),
        Client::OpenCode => {
            let words: Vec<&str> = std::iter::once(command).chain(args.iter().map(String::as_str)).collect();
            json!({ "type": "local", "command": words })
        }
        Client::CopilotCli => json!({ "type": "local", "command": command, "args": args }),
        Client::ClaudeDesktop
        | Client::Windsurf
        | Client::Devin
        | Client::Codex
        | Client::GeminiCli
        | Client::LmStudio
        | Client::Junie => json!({ "command": command, "args": args }),
    }
}

fn gateway(client: Client, url: &str, headers: Value) -> Value {
    match client {
        Client::ClaudeCode | Client::VsCode | Client::CopilotCli => {
            json!({ "type": "http", "url": url, "headers": headers })
        }
        Client::Windsurf => json!({ "serverUrl": url, "headers": headers }),
        Client::Devin => json!({ "url": url, "transport": "http", "headers": headers }),
        Client::Codex => json!({ "url": url, "http_headers": headers }),
        Client::Zed => json!({ "source": "custom", "url": url, "headers": headers }),
        Client::GeminiCli => json!({ "httpUrl": url, "headers": headers }),
        Client::Goose => json!({ "type": "streamable_http", "uri": url, "headers": headers }),
        Client::Cline => json!({ "type": "streamableHttp", "url": url, "headers": headers }),
        // Without the last, it would look for a sign-in of its own.
        Client::OpenCode => json!({ "type": "remote", "url": url, "headers": headers, "oauth": false }),
        Client::Cursor | Client::LmStudio | Client::ClaudeDesktop | Client::Junie => {
            json!({ "url": url, "headers": headers })
        }
    }
}

fn members(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}

/// A command as one line that the system's shell takes as these words.
fn shell_line(words: &[String], system: System) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || "@_-./:+".contains(c) || (c == '\\' && system == System::Windows);
    let quoted = words.iter().map(|word| match system {
        _ if !word.is_empty() && word.chars().all(is_plain) => word.clone(),
        System::Windows => format!("\"{word}\""),
        System::Linux | System::MacOs => format!("'{}'", word.replace('\'', r"'\''")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// The words of such a line, as far as they are needed to know one of ours again.
pub(crate) fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('\\', None) if letters.peek() == Some(&'\'') => word.get_or_insert_default().extend(letters.next()),
            (' ' | '\t', None) => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
