// Every screen without an agent, for looking at: `npm run dev`, then /gallery/?screen=waiting&theme=dark&lang=zh-CN.
// With &press=Change… the button or choice of that text is pressed as well.

import { mount } from "svelte";
import App from "../src/App.svelte";
import type { Language, OpenPage, Theme } from "../src/backend";
import { FakeBackend } from "../src/testing/fakeBackend";
import {
  account,
  agentStatus,
  entry,
  failure,
  grant,
  happened,
  inMinutes,
  mcpClient,
  prompt,
  serverFound,
  settings,
  signIn,
  timeline,
  waitingForBrowser,
} from "../src/testing/samples";
import "../src/theme.css";

const accounts = [
  account({ profile: "acme-docs", server_url: "https://docs.acme.example/mcp", expires_at: inMinutes(2900) }),
  account({ profile: "context7", server_url: "https://mcp.context7.com/mcp", status: "no_sign_in" }),
  account({
    profile: "figma",
    server_url: "https://mcp.figma.com/mcp",
    status: "unreachable",
    unreachable_since: inMinutes(-6.5),
  }),
  account({ profile: "github-work", server_url: "https://api.githubcopilot.com/mcp/", status: "needs_sign_in" }),
  account({ profile: "linear-personal", expires_at: inMinutes(55.5) }),
  account({ profile: "linear-work", expires_at: inMinutes(42.5) }),
  account({
    profile: "notion",
    server_url: "https://mcp.notion.com/mcp",
    status: "expiring",
    expires_at: inMinutes(9.5),
  }),
  account({ profile: "sentry", server_url: "https://mcp.sentry.dev/mcp", expires_at: inMinutes(370) }),
  account({ profile: "stripe-live", server_url: "https://mcp.stripe.com", status: "signing_in" }),
  account({ profile: "stripe-test", server_url: "https://mcp.stripe.com", auth: "bearer" }),
];

const backend = new FakeBackend();
backend.list = accounts;
backend.programs = [
  grant(),
  grant({
    grant: "g2",
    program: "cursor",
    exe: "/opt/cursor/cursor",
    script: null,
    uses: 38,
    decision: "while_running",
  }),
  grant({ grant: "g3", program: "postinstall", script: "/home/ada/src/demo/postinstall", uses: 1, decision: "deny" }),
];
backend.details = {
  notion: { renewable: false, renews_at: null },
  "github-work": {
    last_error: failure("auth_required", "token_refused"),
    renewable: false,
    expires_at: inMinutes(-20),
  },
  figma: { last_error: failure("provider_unreachable", "dns"), expires_at: inMinutes(72.5) },
};

const hours = (from: number, until: number) => ({ from: inMinutes(from * 60), until: inMinutes(until * 60) });
const hourly = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => hours(from + at * 0.8, from + at * 0.8 + 0.78));
backend.timelines["linear-work"] = timeline({
  valid: [...hourly(-23.9, 13), hours(-13.5, -13), ...hourly(-6.6, 8), hours(-0.3, 0.45)],
  retried: [inMinutes(-17.5 * 60)],
  asleep: [hours(-13, -6.6)],
  next: hours(0.5, 1.45),
});
backend.serverTools = {
  tools: [
    { name: "create_issue", title: "Create issue" },
    { name: "list_issues", title: "List issues" },
    { name: "search", title: null },
  ],
  more: false,
};

backend.happened = [
  happened(12, { calls: 99, reason: "to triage issues" }),
  happened(11, { kind: "token_refreshed", caller: null, expires_at: inMinutes(42.5) }),
  happened(10, { kind: "refused", error: "consent_denied", profile: "notion" }),
  happened(9, { kind: "prompt_answered", decision: "while_running" }),
  happened(8, { kind: "refresh_failed", caller: null, error: "provider_unreachable", profile: "figma" }),
  happened(7, { kind: "protection_changed", profile: null, cause: "approval_same_user" }),
  happened(6, { kind: "connection_refused", profile: null, cause: "became_another" }),
  happened(5, { kind: "locked", profile: null, caller: null, cause: "screen", at: inMinutes(-3000) }),
  happened(4, { kind: "header_given", profile: "an-account-with-a-name-that-goes-on-and-on-and-on-for-ever" }),
  happened(3, { kind: "signed_in", caller: null, at: inMinutes(-3100) }),
  happened(2, { kind: "account_added", at: inMinutes(-3101) }),
  happened(1, { kind: "record_begun", caller: null, profile: null, at: inMinutes(-3102) }),
];

const secret = [{ part: "header" as const, name: "Authorization" }];
const place = (client_name: string, different = {}) =>
  serverFound().found.map((place) => ({ ...place, client_name, ...different }));
backend.mcpClients = [
  mcpClient({ entries: [entry({ plain_text: secret })] }),
  mcpClient({ client: "claude-desktop", name: "Claude Desktop", installed: false }),
  mcpClient({
    client: "vscode",
    name: "VS Code",
    modes: [{ mode: "bridge", why: "" }],
    entries: [
      entry({ keybearer: { mode: "bridge", profile: "linear-work", known: true, receipt: "r1" } }),
      entry({ keybearer: { mode: "bridge", profile: "stripe-live", known: true, receipt: "r2" } }),
    ],
  }),
  mcpClient({
    client: "cursor",
    name: "Cursor",
    problems: [{ reason: "broken", message: "~/.cursor/mcp.json, line 4: a comma is missing." }],
  }),
  mcpClient({ client: "codex", name: "Codex", modes: [{ mode: "bridge", why: "" }] }),
  mcpClient({ client: "zed", name: "Zed", installed: false }),
];
backend.found = {
  servers: [
    serverFound({ found: [...place("Claude Code"), ...place("Cursor", { plain_text: secret })] }),
    serverFound({ server_url: "https://api.githubcopilot.com/mcp/", name: "github", found: place("VS Code") }),
    serverFound({ server_url: "https://mcp.sentry.dev/mcp", name: "sentry", found: place("Cursor") }),
    serverFound({
      server_url: "https://mcp.notion.com/mcp",
      name: "notion",
      found: place("Cursor", { disabled: true }),
    }),
  ],
  others: 2,
  problems: [],
  sign_ins: [{ program: "Claude Code", place: "~/.claude/.credentials.json" }],
  more: false,
};

const show = (profile: string): OpenPage => ({ page: "account", profile });

/** Prepares the agent's answers; tells which page the window is then asked for. */
const screens: Record<string, () => OpenPage | undefined> = {
  list: () => undefined,
  account: () => show("linear-work"),
  offline: () => {
    backend.agent = agentStatus({ offline: true });
    return show("figma");
  },
  paused: () => {
    backend.agent = agentStatus({ pause: { until: inMinutes(45) } });
    return show("linear-work");
  },
  more_access: () => {
    backend.list = accounts.map((one) =>
      one.profile === "linear-work" ? { ...one, status: "needs_more_access" as const } : one,
    );
    backend.details["linear-work"] = { wanted_scopes: ["issues:delete"] };
    return show("linear-work");
  },
  needs_sign_in: () => show("github-work"),
  expiring: () => show("notion"),
  unreachable: () => show("figma"),
  key: () => show("stripe-test"),
  add: () => ({ page: "add", profile: null }),
  settings: () => ({ page: "settings", profile: null }),
  preparing: () => {
    backend.signIns["stripe-live"] = signIn("preparing", 3, "running");
    return show("stripe-live");
  },
  waiting: () => {
    backend.signIns["stripe-live"] = waitingForBrowser();
    return show("stripe-live");
  },
  client: () => {
    const error = failure("provider_error", "registration_not_offered");
    backend.signIns["stripe-live"] = signIn("failed", 4, "stopped", { error });
    return show("stripe-live");
  },
  no_metadata: () => {
    const error = failure("provider_error", "resource_metadata_missing");
    backend.signIns["stripe-live"] = signIn("failed", 2, "stopped", { error });
    return show("stripe-live");
  },
  failed: () => {
    const error = failure("provider_error", "metadata_issuer_mismatch");
    backend.signIns["stripe-live"] = signIn("failed", 3, "stopped", { error });
    return show("stripe-live");
  },
  ready: () => {
    backend.signIns["stripe-live"] = signIn("signed_in", 9, "done");
    return show("stripe-live");
  },
  first_run: () => {
    backend.list = [];
    return undefined;
  },
  locked: () => {
    backend.agent = agentStatus({ locked: true, prompts: 2 });
    return undefined;
  },
  locked_keyring: () => {
    backend.agent = agentStatus({ locked: true, vault: "locked", vault_problem: "locked" });
    return undefined;
  },
  settings_refused: () => {
    backend.failures = { changeSettings: failure("storage_full") };
    return { page: "settings", profile: null };
  },
  key_refused: () => {
    backend.details["stripe-test"] = { status: "needs_sign_in" };
    return show("stripe-test");
  },
  unreachable_agent: () => {
    backend.failures = { agentStatus: failure("agent_unreachable") };
    return undefined;
  },
  keyring: () => {
    backend.agent = agentStatus({ vault: "absent", vault_problem: "org.freedesktop.secrets was not provided" });
    return show("linear-work");
  },
  approval: () => {
    backend.waiting = [prompt(), prompt({ prompt: "p2" }), prompt({ prompt: "p3" })];
    return undefined;
  },
  approval_changed: () => {
    const { program } = prompt();
    backend.waiting = [
      prompt({
        program: { ...program, name: "triage.py", exe: "/usr/bin/python3", others_can_change: true },
        always_off: "others_can_change",
        allowed_before: inMinutes(-2000),
        claimed_name: "Code editor",
      }),
    ];
    return undefined;
  },
  approval_long: () => {
    const { program } = prompt();
    const name = `${"compile-everything-".repeat(8)}cli.js`;
    const chain = Array.from({ length: 12 }, (_, at) => ({
      pid: 900 + at,
      name: `${at} ${name}`,
      remembered: at === 10,
    }));
    backend.waiting = [
      prompt({
        profile: "an-account-with-a-name-that-goes-on-and-on-and-on-for-ever",
        program: {
          ...program,
          name,
          chain,
          others_can_change: true,
          script: `/home/ada/${name}`,
          folder: `/home/${name}`,
        },
        always_off: "others_can_change",
        allowed_before: inMinutes(-2000),
        claimed_name: name,
      }),
      prompt({ prompt: "p2" }),
    ];
    return undefined;
  },
  approval_unknown: () => {
    const { program } = prompt();
    const chain = [{ pid: 51_877, name: "?", remembered: true }];
    backend.waiting = [
      prompt({
        program: { ...program, name: null, exe: null, script: null, folder: null, confidence: "unknown", chain },
        always_off: "unidentified",
      }),
    ];
    return undefined;
  },
};

const query = new URLSearchParams(location.search);
backend.current = settings({
  theme: (query.get("theme") ?? "light") as Theme,
  language: (query.get("lang") ?? "en") as Language,
});
const screen = query.get("screen") ?? "list";
const page = screens[screen]?.();
if (screen.startsWith("approval")) location.hash = "#approval";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");
mount(App, { target, props: { backend } });
// The window opens a signing-in account differently, which it knows once it has read the list.
if (page) setTimeout(() => backend.open(page), 300);

// One after the other, where several are named.
for (const [at, pressed] of query.getAll("press").entries()) {
  setTimeout(
    () => {
      const buttons = [...document.querySelectorAll<HTMLElement>("button, summary, label")];
      buttons.find((button) => (button.ariaLabel ?? button.innerText.trim()).split("\n")[0] === pressed)?.click();
    },
    800 + at * 400,
  );
}
