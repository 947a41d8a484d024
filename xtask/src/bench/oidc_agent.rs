//! Another agent that hands out tokens on this machine: oidc-agent, as Debian has it, with an issuer of its own.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

/// The account's short name.
const ACCOUNT: &str = "bench";

/// An agent with one account that is signed in.
pub(crate) struct OidcAgent {
    /// What leads to it.
    environment: BTreeMap<String, String>,
}

impl OidcAgent {
    /// Starts one whose files lie in this folder, and signs in with a refresh token.
    pub(crate) fn start(folder: &Path) -> anyhow::Result<OidcAgent> {
        fs::create_dir_all(folder.join(".oidc-agent"))?;
        let home = folder.to_string_lossy().into_owned();
        let mut environment = BTreeMap::from([("HOME".to_owned(), home.clone()), ("TMPDIR".to_owned(), home)]);
        let mut daemon = Command::new("oidc-agent");
        let output = daemon.env_clear().envs(&environment).output().context("oidc-agent can't be started")?;
        let printed = String::from_utf8(output.stdout)?;
        let variables = printed.split([';', '\n']).filter_map(|part| part.trim().split_once('='));
        environment.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let agent = OidcAgent { environment };
        let issuer = issue()?;
        let mut sign_in = agent.command("oidc-gen");
        sign_in.args([ACCOUNT, "--manual", "--no-save", "--prompt=none", "--confirm-yes", "--pw-cmd=echo bench"]);
        sign_in.args(["--rt=practice", "--client-id=bench", "--client-secret=", "--scope=openid"]);
        sign_in.arg(format!("--iss={issuer}")).arg("--redirect-uri=http://localhost:4242").stdin(Stdio::null());
        let signed_in = sign_in.output()?;
        ensure!(signed_in.status.success(), "oidc-gen: {}", String::from_utf8_lossy(&signed_in.stderr));
        Ok(agent)
    }

    /// What asks it for a token, as `keybearer token` asks ours.
    pub(crate) fn token(&self) -> Command {
        let mut command = self.command("oidc-token");
        command.arg(ACCOUNT);
        command
    }

    fn command(&self, program: &str) -> Command {
        // The whole path: what starts it has to look for nothing.
        let mut command = Command::new(Path::new("/usr/bin").join(program));
        command.env_clear().envs(&self.environment).env("PATH", "/usr/bin:/bin");
        command
    }
}

impl Drop for OidcAgent {
    fn drop(&mut self) {
        let _ = self.command("oidc-agent").arg("--kill").output();
    }
}

/// The least issuer that it takes: the metadata, and a token for every question. It ends with this process. Gives its
/// address.
fn issue() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let issuer = format!("http://{}/", listener.local_addr()?);
    let metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}authorize"),
        "token_endpoint": format!("{issuer}token"),
        "registration_endpoint": format!("{issuer}register"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "scopes_supported": ["openid", "offline_access"],
    });
    let token = json!({
        "access_token": "practice-at-".to_owned() + &"x".repeat(43),
        "token_type": "Bearer",
        "expires_in": 86_400,
        "refresh_token": "practice",
        "scope": "openid offline_access",
    });
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // One that it can't read asks again, or fails and says so.
            let _ = answer(stream, &metadata, &token);
        }
    });
    Ok(issuer)
}

fn answer(stream: TcpStream, metadata: &Value, token: &Value) -> anyhow::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    stream.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse()?,
            Some(_) => {}
            None => break,
        }
    }
    stream.read_exact(&mut vec![0; length])?;
    let body = if first.contains("/.well-known/") { metadata } else { token }.to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
    Ok(stream.get_mut().write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes())?)
}
