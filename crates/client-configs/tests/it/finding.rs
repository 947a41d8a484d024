//! What is found, and which of it is the same.

use crate::home::{Home, PLANTED, write};
use keybearer_client_configs::{Client, Error, Target, Transport, merge, scan};

#[test]
fn the_same_server_is_one_candidate_with_all_who_have_it() {
    let home = Home::new();
    home.file(
        Client::ClaudeCode,
        r#"{"mcpServers": {"linear": {"type": "http", "url": "https://mcp.linear.app/mcp"},
            "files": {"command": "npx", "args": ["-y", "files-mcp", "/home"]},
            "wiki": {"type": "http", "url": "https://mcp.example.com/a/mcp?team=7"}}}"#,
    );
    home.file(
        Client::Cursor,
        r#"{"mcpServers": {"Linear (work)": {"url": "https://ada:PLANTED@MCP.Linear.app:443/mcp/#x", "headers": {"Authorization": "Bearer PLANTED"}},
            "other": {"url": "https://mcp.example.com/a/mcp?team=8"}}}"#,
    );
    home.file(
        Client::ClaudeDesktop,
        r#"{"mcpServers": {"l": {"command": "cmd", "args": ["/c", "npx", "mcp-remote@next", "https://mcp.linear.app/mcp"]},
            "ours": {"command": "/usr/bin/keybearer", "args": ["bridge", "linear"]}}}"#,
    );
    let candidates = merge(&scan(&home.places).found);
    let names: Vec<&str> = candidates.iter().map(|candidate| candidate.name.as_str()).collect();
    assert_eq!(names, ["linear", "files", "wiki", "other"], "by name where it was found first; ours is there already");
    let linear = &candidates[0];
    let clients: Vec<Client> = linear.found.iter().map(|found| found.client).collect();
    assert_eq!(clients, [Client::ClaudeCode, Client::ClaudeDesktop, Client::Cursor]);
    assert!(linear.has_plain_text() && !linear.is_ours() && !linear.is_disabled());
    assert!(!candidates[1].has_plain_text());
}

#[test]
fn programs_that_lead_elsewhere_are_the_server_that_they_lead_to() {
    let url = "https://mcp.linear.app/mcp";
    for (command, args, through, transport) in [
        ("npx", vec!["-y", "mcp-remote", url], "mcp-remote", Transport::Http),
        ("npx", vec!["-p", "mcp-remote@0.1.2", "mcp-remote-client", url], "mcp-remote", Transport::Http),
        ("npx.cmd", vec!["mcp-remote", url, "--transport", "sse-only"], "mcp-remote", Transport::Sse),
        ("/opt/node/bin/node", vec!["/usr/lib/mcp-remote/mcp-remote.js", url], "mcp-remote", Transport::Http),
        ("deno", vec!["run", "-A", "npm:mcp-remote@0.1", url], "mcp-remote", Transport::Http),
        ("uvx", vec!["mcp-proxy", url], "mcp-proxy", Transport::Sse),
        ("mcp-proxy", vec!["--transport=streamablehttp", url], "mcp-proxy", Transport::Http),
        ("npx", vec!["-y", "supergateway", "--streamableHttp", url], "supergateway", Transport::Http),
    ] {
        let home = Home::new();
        let servers = serde_json::json!({ "mcpServers": { "linear": { "command": command, "args": args } } });
        home.file(Client::Cursor, servers.to_string());
        let through = Some(through.to_owned());
        let expected = Target::Remote { url: url.to_owned(), transport, through };
        assert_eq!(scan(&home.places).found[0].target, expected, "{servers}");
    }
    // A program that is only told an address is none of them.
    let home = Home::new();
    home.file(Client::Cursor, r#"{"mcpServers": {"x": {"command": "curl-mcp", "args": ["https://example.com"]}}}"#);
    assert_eq!(scan(&home.places).found[0].target, Target::Program { command: "curl-mcp".to_owned() });
}

#[test]
fn values_are_never_kept_wherever_they_stand() {
    let home = Home::new();
    home.file(
        Client::Cursor,
        r#"{"mcpServers": {
            "a": {"url": "https://ada:PLANTED@a.example/mcp?token=PLANTED&v=1#PLANTED", "headers": {"X-Api-Key": "PLANTED"}},
            "b": {"command": "b", "args": ["--api-key=PLANTED", "--header", "Authorization: PLANTED", "PLANTED"], "env": {"B_TOKEN": "PLANTED"}},
            "c": {"command": "npx", "args": ["c-mcp", "--password", "PLANTED"], "env": {"C_TOKEN": "${C_TOKEN}"}},
            "d": {"url": "https://d.example/mcp", "auth": {"CLIENT_SECRET": "PLANTED"}}
        }}"#,
    );
    let scan = scan(&home.places);
    let merged = merge(&scan.found);
    assert!(!format!("{scan:?}{merged:?}").contains(PLANTED));
    let names = |at: usize| scan.found[at].plain_text.iter().map(|secret| secret.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names(0), ["password", "token", "X-Api-Key"]);
    assert_eq!(names(1), ["api-key", "Authorization", "B_TOKEN"]);
    assert_eq!(names(2), ["password"], "what is filled in later is no secret here");
    assert_eq!(names(3), ["CLIENT_SECRET"]);
    let Target::Remote { url, .. } = &scan.found[0].target else { panic!("a server elsewhere") };
    assert_eq!(url, "https://a.example/mcp?v=1");
}

#[test]
fn a_broken_file_is_told_by_its_place_and_the_others_are_read() {
    let home = Home::new();
    let broken = [
        (Client::ClaudeCode, "\u{feff}{\n  \"mcpServers\": {\n    \"ü\": PLANTED }\n}", (3, 10)),
        (Client::Codex, "model = \"x\"\n[mcp_servers.a\nurl = \"PLANTED\"\n", (2, 15)),
        (Client::Goose, "extensions:\n  a: [PLANTED\nb: {}\n", (3, 2)),
        (Client::Zed, "{\"context_servers\": {\"a\": {}, \"a\": {}}}", (1, 31)),
        (Client::GeminiCli, "[]", (1, 1)),
    ];
    for (client, text, _) in broken {
        home.file(client, text);
    }
    home.file(Client::Cursor, r#"{"mcpServers": {"a": {"url": "https://a.example/mcp"}}}"#);
    let scan = scan(&home.places);
    assert_eq!(scan.found.len(), 1);
    assert_eq!(scan.problems.len(), broken.len());
    for (client, _, place) in broken {
        let file = &client.files(&home.places)[0];
        let problem = scan.problems.iter().find(|problem| problem.to_string().contains(&*file.to_string_lossy()));
        let Some(Error::Broken { line, column, .. }) = problem else { panic!("{client}: {problem:?}") };
        assert_eq!((*line, *column), place, "{client}: {problem:?}");
        assert!(!format!("{problem:?} {}", scan.problems[0]).contains(PLANTED));
        assert_eq!(problem.map(Error::code), Some("broken"));
    }
}

#[test]
fn of_other_programs_sign_ins_only_the_place_is_told() {
    let home = Home::new();
    assert_eq!(scan(&home.places).sign_ins, []);
    write(&home.path(".mcp-auth/mcp-remote-0.1.29/0123_tokens.json"), r#"{"refresh_token": "PLANTED"}"#);
    write(&home.path(".codex/.credentials.json"), r#"{"a": {"refresh_token": "PLANTED"}}"#);
    let scan = scan(&home.places);
    let programs: Vec<&str> = scan.sign_ins.iter().map(|sign_ins| sign_ins.program).collect();
    assert_eq!(programs, ["mcp-remote", "Codex"]);
    assert!(!format!("{scan:?}").contains(PLANTED));
}
