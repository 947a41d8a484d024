import type {
  ActivityFilter,
  ActivityRow,
  AccountChange,
  AccountDetail,
  AccountView,
  AgentStatusReply,
  Approval,
  AuthView,
  Backend,
  Browsers,
  ClientMode,
  ClientView,
  ClientsServersReply,
  Decision,
  ErrorObject,
  GrantView,
  LinkOwner,
  NewAccount,
  OpenPage,
  PromptView,
  RestrictedView,
  TransferImportReply,
  VaultKind,
  Settings,
  SettingsSetParams,
  SignInRequest,
  Timeline,
  ToolsReply,
} from "../backend";
import {
  agentStatus,
  detail,
  entry,
  failure,
  inMinutes,
  mcpClient,
  preview,
  settings,
  signIn,
  timeline,
} from "./samples";

/** A Backend without an agent: answers what was put into it, and writes down what it was asked to do. */
export class FakeBackend implements Backend {
  agent: AgentStatusReply = agentStatus();
  list: AccountView[] = [];
  details: Record<string, Partial<AccountDetail>> = {};
  signIns: Record<string, AuthView> = {};
  programs: GrantView[] = [];
  /** The last day of each account's tokens. */
  timelines: Record<string, Timeline> = {};
  /** The tools of every server. */
  serverTools: ToolsReply = { tools: [{ name: "list_issues", title: "List issues" }], more: false };
  /** What containers and remote hosts may ask for. */
  outside: RestrictedView = { profiles: [], open: false, problem: null };
  /** What happened, the newest first. */
  happened: ActivityRow[] = [];
  /** The MCP clients on this computer. */
  mcpClients: ClientView[] = [];
  /** The servers that they have. */
  found: ClientsServersReply = { servers: [], others: 0, problems: [], sign_ins: [], more: false };
  waiting: PromptView[] = [];
  current: Settings = settings();
  /** Whether the system starts the window at login. */
  atLogin = false;
  /** Whether Keybearer brings newer versions itself, and the one that there is. */
  ownUpdates = false;
  newer: string | null = null;
  /** Who opens Keybearer's links. */
  linksGoTo: LinkOwner = "this";
  /** The browsers of this computer. */
  webBrowsers: Browsers = { system: "Firefox", all: [{ entry: "firefox.desktop", name: "Firefox" }] };
  /** What a file that is imported has, and whether it is sealed. */
  brought: TransferImportReply = { added: 1, names: ["linear-work"], signed_in: 0, known: 0 };
  /** The file that the person chooses; none where they leave the dialog. */
  chosenFile: string | null = "/home/me/accounts.json";
  /** What the named method rejects with; "all" is every one. */
  failures: Partial<Record<keyof Backend | "all", ErrorObject>> = {};
  /** What was asked for, in order, without the questions. */
  readonly asked: [keyof Backend, ...unknown[]][] = [];

  #waysBack = new Map<string, () => void>();
  #follower: (() => void) | null = null;
  #changed = new Set<() => void>();
  #open = new Set<(page: OpenPage) => void>();
  #notice = new Set<(error: ErrorObject) => void>();

  /** Tells the window that something changed. */
  change(): void {
    for (const heard of this.#changed) heard();
  }

  /** Something happens. */
  happen(row: ActivityRow): void {
    this.happened = [row, ...this.happened];
    this.#follower?.();
  }

  open(page: OpenPage): void {
    for (const heard of this.#open) heard(page);
  }

  notice(error: ErrorObject): void {
    for (const heard of this.#notice) heard(error);
  }

  agentStatus = () => this.#answer("agentStatus", () => this.agent);
  accounts = () => this.#answer("accounts", () => this.list);
  settings = () => this.#answer("settings", () => this.current);
  prompts = () => this.#answer("prompts", () => ({ revision: 1, prompts: this.waiting }));
  restricted = () => this.#answer("restricted", () => this.outside);
  grants = () => this.#answer("grants", () => this.programs);
  activity = (filter: ActivityFilter, before: number | null) =>
    this.#answer("activity", () => {
      const rows = this.#rows(filter).filter((row) => before === null || row.number < before);
      return { rows: rows.slice(0, 50), more: rows.length > 50, newest: this.happened[0]?.number ?? 0 };
    });
  followActivity = async (filter: ActivityFilter, seen: number) => {
    if ((this.happened[0]?.number ?? 0) <= seen) await new Promise<void>((heard) => (this.#follower = heard));
    return this.#answer("followActivity", () => {
      const rows = this.#rows(filter).filter((row) => row.number > seen);
      return { rows: rows.toReversed(), seen: this.happened[0]?.number ?? 0, more: false };
    });
  };
  clients = () => this.#answer("clients", () => this.mcpClients);
  serversOfClients = () => this.#answer("serversOfClients", () => this.found);
  previewInstall = (client: string, profile: string, mode: ClientMode | null) =>
    this.#answer("previewInstall", () => {
      const { modes, entries } = this.#client(client);
      const chosen = mode ?? modes[0]?.mode ?? "helper";
      const done = entries.some(({ keybearer }) => keybearer?.profile === profile && keybearer.mode === chosen);
      return preview({ preview: `${client} ${profile} ${chosen}`, client, profile, mode: chosen, done });
    });
  account = (profile: string) => this.#answer("account", () => this.#detail(profile));
  signInStatus = (profile: string) => this.#answer("signInStatus", () => this.#signIn(profile));

  addAccount = (account: NewAccount) =>
    this.#do("addAccount", [account], () => {
      const profile = account.name ?? new URL(account.url).hostname;
      const { url: server_url, auth, scopes } = account;
      const view = detail({ profile, label: profile, server_url, auth, scopes: scopes ?? [], status: "needs_sign_in" });
      this.list = [...this.list, view];
      return view;
    });
  updateAccount = (change: AccountChange) => this.#do("updateAccount", [change], () => this.#detail(change.profile));
  renameAccount = (profile: string, name: string) =>
    this.#do("renameAccount", [profile, name], () => {
      this.list = this.list.map((one) => (one.profile === profile ? { ...one, profile: name, label: name } : one));
      return this.#detail(name);
    });
  removeAccount = (profile: string) =>
    this.#do("removeAccount", [profile], () => {
      const before = this.list;
      this.list = this.list.filter((one) => one.profile !== profile);
      return { undo: this.#wayBack(() => (this.list = before)) };
    });
  restoreAccount = (undo: string) =>
    this.#do("restoreAccount", [undo], () => {
      const before = new Set(this.list.map(({ profile }) => profile));
      this.#goBack(undo);
      return this.#detail(this.list.find(({ profile }) => !before.has(profile))?.profile ?? "");
    });
  signIn = (request: SignInRequest) => this.#do("signIn", [request], () => this.#signIn(request.profile));
  cancelSignIn = (profile: string) => this.#do("cancelSignIn", [profile], () => null);
  completeSignIn = (url: string) => this.#do("completeSignIn", [url], () => signIn("finishing", 7, "running"));
  signOut = (profile: string) => this.#do("signOut", [profile], () => ({ revoked: true, not_revoked_because: null }));
  testAccount = (profile: string) =>
    this.#do("testAccount", [profile], () => ({ tools: 23, names: [], protocol: "2025-11-25", server: "Linear MCP" }));
  refreshAccount = (profile: string) => this.#do("refreshAccount", [profile], () => this.#detail(profile));
  revokeGrant = (grant: string) =>
    this.#do("revokeGrant", [grant], () => {
      const before = this.programs;
      this.programs = this.programs.filter((one) => one.grant !== grant);
      return { undo: this.#wayBack(() => (this.programs = before)) };
    });
  restoreGrant = (undo: string) =>
    this.#do("restoreGrant", [undo], () => {
      this.#goBack(undo);
      return null;
    });
  copyAccessToken = (profile: string) => this.#do("copyAccessToken", [profile], () => null);
  timeline = (profile: string) => this.#answer("timeline", () => this.timelines[profile] ?? timeline());
  tools = (profile: string) => this.#do("tools", [profile], () => this.serverTools);
  pause = (minutes: number | null) =>
    this.#do("pause", [minutes], () => {
      this.agent = { ...this.agent, pause: { until: minutes === null ? null : inMinutes(minutes) } };
      return null;
    });
  resume = () =>
    this.#do("resume", [], () => {
      this.agent = { ...this.agent, pause: null };
      return null;
    });
  setRestricted = (profile: string, allowed: boolean) =>
    this.#do("setRestricted", [profile, allowed], () => {
      const others = this.outside.profiles.filter((one) => one !== profile);
      const profiles = allowed ? [...others, profile] : others;
      this.outside = { ...this.outside, profiles, open: profiles.length > 0 };
      return this.outside;
    });
  install = (preview: string) =>
    this.#do("install", [preview], () => {
      const [client = "", profile = "", mode] = preview.split(" ") as [string, string, ClientMode];
      const receipt = `receipt of ${client}`;
      this.#write(client, [entry({ name: profile, keybearer: { mode, profile, known: true, receipt } })]);
      const { file } = this.#client(client);
      return {
        receipt,
        client,
        profile,
        mode,
        file,
        backup: `${file}.keybearer-backup`,
        note: "It takes note at once.",
      };
    });
  undoInstall = (client: string, receipt: string) =>
    this.#do("undoInstall", [client, receipt], () => {
      this.#write(client, []);
      return { client, files: [{ file: this.#client(client).file, outcome: "restored" as const }] };
    });
  answerPrompt = (prompt: string, decision: Decision) =>
    this.#do("answerPrompt", [prompt, decision], () => {
      this.waiting = this.waiting.filter((one) => one.prompt !== prompt);
      return null;
    });
  changeSettings = (change: SettingsSetParams) =>
    this.#do("changeSettings", [change], () => {
      const { language, callback, client_metadata_url, browser, auto_lock, ...same } = change;
      const { after_secs, with_screen, before_sleep } = auto_lock ?? {};
      const { theme, keep_running, log_detail, approval, changed_programs, answer_within_secs } = same;
      this.current = {
        language: language === "system" ? null : (language ?? this.current.language),
        callback: callback === "auto" ? null : (callback ?? this.current.callback),
        client_metadata_url: (client_metadata_url ?? this.current.client_metadata_url) || null,
        theme: theme ?? this.current.theme,
        keep_running: keep_running ?? this.current.keep_running,
        browser: (browser ?? this.current.browser) || null,
        log_detail: log_detail ?? this.current.log_detail,
        approval: approval ?? this.current.approval,
        changed_programs: changed_programs ?? this.current.changed_programs,
        answer_within_secs: answer_within_secs ?? this.current.answer_within_secs,
        auto_lock: {
          after_secs: (after_secs ?? this.current.auto_lock.after_secs) || null,
          with_screen: with_screen ?? this.current.auto_lock.with_screen,
          before_sleep: before_sleep ?? this.current.auto_lock.before_sleep,
        },
        unseen: this.current.unseen,
      };
      return this.current;
    });
  startsAtLogin = () => this.#answer("startsAtLogin", () => this.atLogin);
  startAtLogin = (on: boolean) =>
    this.#do("startAtLogin", [on], () => {
      this.atLogin = on;
      return null;
    });
  lock = () =>
    this.#do("lock", [], () => {
      this.agent = { ...this.agent, locked: true };
      return null;
    });
  moveVault = (to: VaultKind, passphrase: string | null) =>
    this.#do("moveVault", [to, passphrase], () => {
      this.agent = { ...this.agent, vault_kind: to };
      return null;
    });
  unlock = (passphrase: string | null) =>
    this.#do("unlock", [passphrase], () => {
      this.agent = { ...this.agent, locked: false };
      return null;
    });
  vaultStatus = () =>
    this.#answer("vaultStatus", () => {
      const { vault_kind, wants_passphrase, vault, vault_problem, vault_advice } = this.agent;
      const keyring = { program: "GNOME Keyring", collection: "Login" };
      return {
        kind: vault_kind,
        wants_passphrase,
        credential: false,
        keyring: vault_kind === "sealed_by_passphrase" ? null : keyring,
        state: vault,
        problem: vault_problem,
        advice: vault_advice,
      };
    });
  setAccountApproval = (profile: string, approval: Approval | null) =>
    this.#do("setAccountApproval", [profile, approval], () => {
      this.details[profile] = { ...this.details[profile], approval };
      return null;
    });
  browsers = () => this.#answer("browsers", () => this.webBrowsers);
  collectDiagnostics = (withNames: boolean) =>
    this.#do("collectDiagnostics", [withNames], () => [
      { name: "about.txt", content: "keybearer 0.1.0" },
      { name: "accounts.json", content: withNames ? '{ "name": "linear-work" }' : '{ "name": "account-1" }' },
    ]);
  exportActivity = (profile: string | null) => this.#do("exportActivity", [profile], () => this.chosenFile);
  saveDiagnostics = () => this.#do("saveDiagnostics", [], () => this.chosenFile);
  allGrants = () => this.#answer("allGrants", () => this.programs);
  linkOwner = () => this.#answer("linkOwner", () => this.linksGoTo);
  takeLinks = () => this.#do("takeLinks", [], (): LinkOwner => (this.linksGoTo = "this"));
  testLinks = () => this.#do("testLinks", [], () => null);
  installation = () =>
    this.#answer("installation", () => ({
      socket: "/run/user/1000/keybearer/programs/agent.v1.sock",
      command: { path: "/usr/bin/keybearer", version: "0.1.0", on_path: true },
    }));
  exportServers = (passphrase: string | null) =>
    this.#do("exportServers", [passphrase], () => {
      if (this.chosenFile === null) return null;
      return {
        file: this.chosenFile,
        accounts: this.list.length,
        signed_in: passphrase === null ? 0 : this.list.length,
      };
    });
  importServers = () => this.#do("importServers", [], () => (this.chosenFile === null ? null : this.brought));
  openImport = (passphrase: string) => this.#do("openImport", [passphrase], () => this.brought);
  startPractice = () => this.#do("startPractice", [], () => "http://127.0.0.1:4747/mcp");
  updatesItself = () => this.#answer("updatesItself", () => this.ownUpdates);
  findUpdate = () => this.#do("findUpdate", [], () => this.newer);
  installUpdate = () => this.#do("installUpdate", [], () => null);
  copyText = (text: string) => this.#do("copyText", [text], () => null);
  /** The address on the clipboard. */
  copied: string | null = null;
  copiedAddress = () => Promise.resolve(this.copied);
  quit = () => this.#do("quit", [], () => null);

  onChanged = (heard: () => void) => subscribe(this.#changed, heard);
  onOpen = (heard: (page: OpenPage) => void) => subscribe(this.#open, heard);
  onNotice = (heard: (error: ErrorObject) => void) => subscribe(this.#notice, heard);

  #detail(profile: string): AccountDetail {
    const listed = this.list.find((one) => one.profile === profile);
    return detail({ ...listed, profile, ...this.details[profile] });
  }

  #wayBack(goBack: () => void): string {
    const undo = `undo ${this.#waysBack.size + 1}`;
    this.#waysBack.set(undo, goBack);
    return undo;
  }

  #goBack(undo: string) {
    const goBack = this.#waysBack.get(undo);
    if (!goBack) throw failure("not_there");
    this.#waysBack.set(undo, () => {});
    goBack();
  }

  #client(name: string): ClientView {
    return this.mcpClients.find(({ client }) => client === name) ?? mcpClient({ client: name });
  }

  #write(name: string, entries: ClientView["entries"]) {
    this.mcpClients = this.mcpClients.map((one) => (one.client === name ? { ...one, entries } : one));
  }

  #signIn(profile: string): AuthView {
    return this.signIns[profile] ?? signIn("none", 1, "todo", { profile });
  }

  #rows({ profile, kinds }: ActivityFilter): ActivityRow[] {
    const fits = (row: ActivityRow) => !kinds?.length || kinds.includes(row.kind);
    return this.happened.filter((row) => fits(row) && (profile == null || row.profile === profile));
  }

  async #answer<T>(method: keyof Backend, make: () => T): Promise<T> {
    const failure = this.failures[method] ?? this.failures.all;
    if (failure) throw failure;
    return make();
  }

  #do<T>(method: keyof Backend, given: unknown[], make: () => T): Promise<T> {
    this.asked.push([method, ...given]);
    return this.#answer(method, make);
  }
}

function subscribe<Heard>(all: Set<Heard>, heard: Heard): () => void {
  all.add(heard);
  return () => all.delete(heard);
}
