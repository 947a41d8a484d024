// What tests and the gallery share: accounts, sign-ins and prompts that can be told apart.

import type {
  AccountDetail,
  AccountView,
  ActivityRow,
  AgentStatusReply,
  AuthPhase,
  AuthView,
  ClientEntry,
  ClientPreview,
  ClientView,
  ErrorObject,
  GrantView,
  PromptView,
  ServerFound,
  Settings,
  StepName,
  StepState,
  Timeline,
} from "../backend";

export const NOW = Date.parse("2026-11-22T14:45:00Z");

/** The time this long from now on, as the agent writes it. */
export function inMinutes(minutes: number, now = Date.now()): string {
  return new Date(now + minutes * 60_000).toISOString();
}

export function account(different: Partial<AccountView> = {}): AccountView {
  const profile = different.profile ?? "linear-work";
  return {
    profile,
    label: profile,
    server_url: "https://mcp.linear.app/mcp",
    auth: "auto",
    status: "connected",
    expires_at: null,
    scopes: ["read", "write", "issues:create"],
    unreachable_since: null,
    ...different,
  };
}

export function detail(different: Partial<AccountDetail> = {}): AccountDetail {
  return {
    ...account(different),
    id: "01",
    resource: "https://mcp.linear.app/mcp",
    issuer: "https://mcp.linear.app",
    client_id: "https://keybearer.app/client.json",
    registration: "metadata_document",
    callback: "deep_link",
    header: null,
    username: null,
    received_at: inMinutes(-18),
    renews_at: inMinutes(30.5),
    signed_in_as: "ada@acme.dev",
    transport: "streamable_http",
    last_test: { at: inMinutes(-2), took_ms: 182, tools: 23, protocol: "2025-11-25", server: "Linear MCP 1.8.2" },
    renewable: true,
    generation: 4,
    signed_in_at: inMinutes(-400),
    last_error: null,
    wanted_scopes: [],
    ...different,
  };
}

export function timeline(different: Partial<Timeline> = {}): Timeline {
  const span = (from: number, until: number) => ({ from: inMinutes(from), until: inMinutes(until) });
  return {
    since: inMinutes(-24 * 60),
    valid: [span(-23 * 60, -22 * 60), span(-22 * 60, -20 * 60), span(-18, 30.5)],
    retried: [inMinutes(-21 * 60)],
    asleep: [span(-20 * 60, -60)],
    next: span(30.5, 79),
    ...different,
  };
}

export function agentStatus(different: Partial<AgentStatusReply> = {}): AgentStatusReply {
  return {
    version: "0.1.0",
    pid: 4711,
    started_at: inMinutes(-600),
    started_by: "command",
    accounts: 1,
    need_user: 0,
    locked: false,
    lock_problem: null,
    pause: null,
    offline: false,
    prompter: true,
    prompts: 0,
    vault_kind: "keyring",
    wants_passphrase: false,
    vault: "unlocked",
    vault_problem: null,
    vault_advice: null,
    configuration_problem: null,
    gateway_problem: null,
    activity_problem: null,
    activity_advice: null,
    ...different,
  };
}

export function settings(different: Partial<Settings> = {}): Settings {
  return {
    language: null,
    theme: "system",
    keep_running: true,
    callback: null,
    client_metadata_url: null,
    browser: null,
    log_detail: "normal",
    approval: "ask",
    changed_programs: "ask",
    answer_within_secs: 60,
    auto_lock: { after_secs: null, with_screen: false, before_sleep: false },
    unseen: { screen: null, sleep: null },
    ...different,
  };
}

export function failure(name: string, reason: string | null = null): ErrorObject {
  return { code: 0, message: `the agent said ${reason ?? name}`, data: { name, reason, retryable: false } };
}

const STEPS: StepName[] = [
  "reach_server",
  "resource_metadata",
  "authorization_server",
  "identify_client",
  "open_browser",
  "receive_answer",
  "get_tokens",
  "test_connection",
];

/** A sign-in that stands at the step with this number, counted from 1. */
export function signIn(phase: AuthPhase, at: number, state: StepState, different: Partial<AuthView> = {}): AuthView {
  const facts = [
    "mcp.linear.app answered 401 and pointed to its metadata",
    "Resource https://mcp.linear.app/mcp · 2 scopes",
    "mcp.linear.app · PKCE S256 · issuer matches",
    "Metadata document accepted, no registration needed",
  ];
  return {
    profile: "linear-work",
    revision: 1,
    phase,
    steps: STEPS.map((name, index) => ({
      name,
      state: index + 1 < at ? "done" : index + 1 === at ? state : "todo",
      fact: index + 1 < at ? (facts[index] ?? null) : null,
      took_ms: index + 1 < at ? 40 + 900 * index : null,
    })),
    authorization_url: null,
    user_code: null,
    device_offered: false,
    callback: null,
    browser_opened: false,
    expires_at: null,
    error: null,
    ...different,
  };
}

export function waitingForBrowser(different: Partial<AuthView> = {}): AuthView {
  return signIn("waiting_for_browser", 5, "needs_user", {
    authorization_url: "https://mcp.linear.app/authorize?state=1",
    callback: "deep_link",
    browser_opened: true,
    expires_at: inMinutes(9.5),
    ...different,
  });
}

export function grant(different: Partial<GrantView> = {}): GrantView {
  return {
    grant: "g1",
    profile: "linear-work",
    program: "cli.js",
    exe: "/usr/bin/node",
    script: "/home/ada/.local/lib/agent/cli.js",
    started_by: ["gnome-terminal", "zsh"],
    changed_at: null,
    pid: null,
    inherited: false,
    gateway: false,
    decision: "always",
    created_at: inMinutes(-4000),
    last_used_at: inMinutes(-4),
    uses: 212,
    expires_at: null,
    ...different,
  };
}

export function prompt(different: Partial<PromptView> = {}): PromptView {
  return {
    prompt: "p1",
    profile: "linear-work",
    server_url: "https://mcp.linear.app/mcp",
    scopes: ["read", "write", "issues:create"],
    token_expires_at: inMinutes(42.5),
    kind: "program",
    program: {
      name: "cli.js",
      pid: 48213,
      started: "1",
      exe: "/usr/bin/node",
      signer: null,
      script: "/home/ada/.local/lib/agent/cli.js",
      script_sha256: null,
      folder: "/home/ada/src/keybearer",
      confidence: "script",
      others_can_change: false,
      sandbox: null,
      chain: [
        { pid: 2210, name: "gnome-terminal", remembered: false },
        { pid: 4120, name: "zsh", remembered: false },
        { pid: 48213, name: "node …/cli.js", remembered: true },
        { pid: 48377, name: "keybearer headers linear-work", remembered: false },
      ],
    },
    claimed_name: "",
    always_off: null,
    allowed_before: null,
    calls: 1,
    expires_at: inMinutes(0.9),
    ...different,
  };
}

export function happened(number: number, different: Partial<ActivityRow> = {}): ActivityRow {
  const { program, claimed_name } = prompt();
  return {
    number,
    hash: "",
    at: inMinutes(number - 100),
    kind: "token_given",
    calls: 1,
    profile: "linear-work",
    caller: { pid: 48377, program, claimed_name, foreign: false },
    from_cache: true,
    ...different,
  };
}

export function mcpClient(different: Partial<ClientView> = {}): ClientView {
  return {
    client: "claude-code",
    name: "Claude Code",
    installed: true,
    file: "/home/ada/.claude.json",
    modes: [
      { mode: "helper", why: "It asks for a header." },
      { mode: "bridge", why: "It starts the bridge." },
    ],
    problems: [],
    entries: [],
    omitted: 0,
    ...different,
  };
}

export function entry(different: Partial<ClientEntry> = {}): ClientEntry {
  return {
    name: "linear",
    project: null,
    server_url: "https://mcp.linear.app/mcp",
    command: null,
    transport: "http",
    disabled: false,
    keybearer: null,
    plain_text: [],
    ...different,
  };
}

export function preview(different: Partial<ClientPreview> = {}): ClientPreview {
  return {
    preview: "p1",
    client: "claude-code",
    profile: "linear-work",
    mode: "helper",
    why: "It asks for a header.",
    file: "/home/ada/.claude.json",
    entry: "linear",
    adopts: true,
    disabled: false,
    creates: false,
    done: false,
    diff: [
      "@@ -2,9 +2,7 @@",
      '   "mcpServers": {',
      '     "linear": {',
      '       "type": "http",',
      '       "url": "https://mcp.linear.app/mcp",',
      '-      "headers": {',
      '-        "Authorization": "Bearer ••••••••"',
      "-      }",
      '+      "headersHelper": "/usr/bin/keybearer headers linear-work"',
      "     },",
    ],
    omitted: 0,
    added: 1,
    removed: 3,
    removes_plain_text: [{ part: "header", name: "Authorization" }],
    same_server: [],
    snippet: '"linear": { "type": "http" }',
    ...different,
  };
}

export function serverFound(different: Partial<ServerFound> = {}): ServerFound {
  return {
    server_url: "https://mcp.linear.app/mcp",
    name: "linear",
    profile: null,
    found: [
      {
        client: "claude-code",
        client_name: "Claude Code",
        entry: "linear",
        disabled: false,
        keybearer: false,
        plain_text: [],
      },
    ],
    ...different,
  };
}
