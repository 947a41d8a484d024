// The one file that talks to Tauri. Everything else gets a Backend handed to it, so tests and other hosts bring their own.

import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";

/** How an account authorizes itself. */
export type AuthType = "auto" | "oauth" | "bearer" | "header" | "basic" | "none";

/** The state of an account, in the words of the agent's protocol. */
export type AccountStatus =
  "connected" | "expiring" | "signing_in" | "needs_sign_in" | "no_sign_in" | "unreachable" | "locked";

/** One account in the list; nothing secret. */
export interface AccountView {
  profile: string;
  label: string;
  server_url: string;
  auth: AuthType;
  status: AccountStatus;
  /** RFC 3339, as every time here, or null where the agent knows of no end. */
  expires_at: string | null;
  scopes: string[];
}

/** How an authorization server came to know a client ID. */
export type RegistrationKind = "pre_registered" | "metadata_document" | "dynamic";

/** How a browser comes back from the authorization server. */
export type CallbackKind = "deep_link" | "loopback";

/** A real `tools/list`, made with the account's token. */
export interface LastTest {
  at: string;
  took_ms: number;
  tools: number;
  protocol: string;
  server: string;
}

/** Everything about one account that is not secret. */
export interface AccountDetail extends AccountView {
  id: string;
  resource: string | null;
  issuer: string | null;
  client_id: string | null;
  registration: RegistrationKind | null;
  callback: CallbackKind | null;
  header: string | null;
  username: string | null;
  received_at: string | null;
  renews_at: string | null;
  last_test: LastTest | null;
  renewable: boolean;
  generation: number;
  signed_in_at: string | null;
  last_error: ErrorObject | null;
}

export interface NewAccount {
  url: string;
  /** Null where the agent is to make one from the address. */
  name: string | null;
  auth: AuthType;
  client_id: string | null;
  scopes: string[];
  header: string | null;
  username: string | null;
  /** Client secret, bearer token, header value or password. */
  secret: string | null;
}

/** What is null stays. An empty client ID means that Keybearer finds one again. */
export interface AccountChange {
  profile: string;
  client_id: string | null;
  scopes: string[] | null;
  secret: string | null;
}

/** The phases of a sign-in. */
export type AuthPhase = "preparing" | "waiting_for_browser" | "finishing" | "signed_in" | "failed" | "none";

/** The eight steps of a sign-in, in order. */
export type StepName =
  | "reach_server"
  | "resource_metadata"
  | "authorization_server"
  | "identify_client"
  | "open_browser"
  | "receive_answer"
  | "get_tokens"
  | "test_connection";

export type StepState = "todo" | "running" | "done" | "needs_user" | "skipped" | "stopped";

export interface AuthStep {
  name: StepName;
  state: StepState;
  fact: string | null;
}

/** How a sign-in stands. */
export interface AuthView {
  profile: string;
  revision: number;
  phase: AuthPhase;
  steps: AuthStep[];
  authorization_url: string | null;
  callback: CallbackKind | null;
  browser_opened: boolean;
  expires_at: string | null;
  error: ErrorObject | null;
}

export interface SignInRequest {
  profile: string;
  /** Null where the agent is to choose. */
  callback: CallbackKind | null;
  register_again: boolean;
}

/** The reply to a sign-out. The tokens are deleted in any case. */
export interface SignOutReply {
  revoked: boolean;
  not_revoked_because: string | null;
}

export interface TestReply {
  tools: number;
  /** The first hundred. */
  names: string[];
  protocol: string;
  server: string;
}

/** What a person can say to a prompt. */
export type Decision = "deny" | "once" | "while_running" | "always";

/** One remembered answer. */
export interface GrantView {
  grant: string;
  profile: string;
  program: string;
  exe: string | null;
  script: string | null;
  pid: number | null;
  decision: Decision;
  created_at: string;
  last_used_at: string | null;
  uses: number;
  expires_at: string | null;
}

/** How surely a program is known, the surest first. */
export type Confidence = "signed" | "system" | "hash" | "script" | "pid_only" | "unknown";

/** One process of the chain that led to a request. */
export interface ProcessView {
  pid: number;
  name: string;
  remembered: boolean;
}

/** The program behind a request. */
export interface ProgramView {
  name: string | null;
  pid: number | null;
  started: string | null;
  exe: string | null;
  script: string | null;
  script_sha256: string | null;
  folder: string | null;
  confidence: Confidence;
  others_can_change: boolean;
  /** Who started whom, the oldest first, the caller last. */
  chain: ProcessView[];
}

/** Why "always" is not offered. */
export type AlwaysOff = "unidentified" | "replaceable_by_user" | "others_can_change" | "changed";

/** One question for a person: may this program use this account? */
export interface PromptView {
  prompt: string;
  profile: string;
  server_url: string;
  scopes: string[];
  token_expires_at: string | null;
  program: ProgramView;
  /** The name that the caller gave itself: untrusted, for quotes. */
  claimed_name: string;
  always_off: AlwaysOff | null;
  allowed_before: string | null;
  calls: number;
  expires_at: string;
}

export interface PromptQueue {
  revision: number;
  /** In the order in which they are to be shown. */
  prompts: PromptView[];
}

export type VaultState = "unlocked" | "locked" | "absent";

/** How the agent is. */
export interface AgentStatusReply {
  version: string;
  pid: number;
  started_at: string;
  accounts: number;
  need_user: number;
  locked: boolean;
  prompter: boolean;
  prompts: number;
  vault: VaultState;
  vault_problem: string | null;
  /** What is wrong with `servers.json`, if something is. */
  configuration_problem: string | null;
}

export type Language = "en" | "zh-CN";
export type LanguageChoice = "system" | Language;
export type Theme = "system" | "light" | "dark";
export type CallbackChoice = "auto" | CallbackKind;
export type Approval = "same_user" | "ask";

export interface Settings {
  /** Null means the system's. */
  language: Language | null;
  theme: Theme;
  /** Null means that Keybearer chooses. */
  callback: CallbackKind | null;
  approval: Approval;
}

/** What is absent stays. */
export interface SettingsSetParams {
  language?: LanguageChoice | null;
  theme?: Theme | null;
  callback?: CallbackChoice | null;
  approval?: Approval | null;
}

/** What the agent answers where it can't do what was asked; every call of a Backend rejects with this. */
export interface ErrorObject {
  code: number;
  /** One line for people. */
  message: string;
  data: ErrorData;
}

export interface ErrorData {
  name: string;
  reason?: string | null;
  retryable: boolean;
  retry_after_ms?: number | null;
  action?: string | null;
}

/** A page that the tray asks the window for. */
export interface OpenPage {
  page: "account" | "add" | "settings" | "list";
  profile: string | null;
}

/** What the window can ask for. */
export interface Backend {
  agentStatus(): Promise<AgentStatusReply>;
  /** Every account, sorted by name. */
  accounts(): Promise<AccountView[]>;
  account(profile: string): Promise<AccountDetail>;
  addAccount(account: NewAccount): Promise<AccountView>;
  updateAccount(change: AccountChange): Promise<AccountDetail>;
  renameAccount(profile: string, name: string): Promise<AccountView>;
  removeAccount(profile: string): Promise<null>;
  /** Starts a sign-in, or joins the open one and opens its browser again. Another way back, or registering again,
      starts it anew. */
  signIn(request: SignInRequest): Promise<AuthView>;
  signInStatus(profile: string): Promise<AuthView>;
  cancelSignIn(profile: string): Promise<null>;
  /** Hands over a callback address that the user pasted. It holds a code: keep no copy. */
  completeSignIn(callbackUrl: string): Promise<AuthView>;
  signOut(profile: string): Promise<SignOutReply>;
  testAccount(profile: string): Promise<TestReply>;
  refreshAccount(profile: string): Promise<AccountView>;
  grants(profile: string): Promise<GrantView[]>;
  revokeGrant(grant: string): Promise<null>;
  prompts(): Promise<PromptQueue>;
  answerPrompt(prompt: string, decision: Decision): Promise<null>;
  settings(): Promise<Settings>;
  changeSettings(change: SettingsSetParams): Promise<Settings>;
  lock(): Promise<null>;
  unlock(): Promise<null>;
  /** Starts the built-in practice server and tells its address. */
  startPractice(): Promise<string>;
  copyText(text: string): Promise<null>;
  /** Calls back after every change of accounts, sign-ins, prompts, settings or the lock. Returns how to stop it. */
  onChanged(heard: () => void): () => void;
  /** Calls back when the tray asks for a page. */
  onOpen(heard: (page: OpenPage) => void): () => void;
  /** Calls back when a callback that arrived by deep link was not accepted. */
  onNotice(heard: (error: ErrorObject) => void): () => void;
}

/** The agent, through the commands of `src-tauri`. */
export const tauriBackend: Backend = {
  agentStatus: () => invoke("agent_status"),
  accounts: () => invoke("accounts"),
  account: (profile) => invoke("account", { profile }),
  addAccount: (account) => invoke("add_account", { account }),
  updateAccount: (change) => invoke("update_account", { change }),
  renameAccount: (profile, name) => invoke("rename_account", { profile, name }),
  removeAccount: (profile) => invoke("remove_account", { profile }),
  signIn: (request) => invoke("sign_in", { request }),
  signInStatus: (profile) => invoke("sign_in_status", { profile }),
  cancelSignIn: (profile) => invoke("cancel_sign_in", { profile }),
  completeSignIn: (callbackUrl) => invoke("complete_sign_in", { callbackUrl }),
  signOut: (profile) => invoke("sign_out", { profile }),
  testAccount: (profile) => invoke("test_account", { profile }),
  refreshAccount: (profile) => invoke("refresh_account", { profile }),
  grants: (profile) => invoke("grants", { profile }),
  revokeGrant: (grant) => invoke("revoke_grant", { grant }),
  prompts: () => invoke("prompts"),
  answerPrompt: (prompt, decision) => invoke("answer_prompt", { prompt, decision }),
  settings: () => invoke("settings"),
  changeSettings: (change) => invoke("change_settings", { change }),
  lock: () => invoke("lock"),
  unlock: () => invoke("unlock"),
  startPractice: () => invoke("start_practice"),
  copyText: (text) => invoke("copy_text", { text }),
  onChanged: (heard) => hear<null>("changed", heard),
  onOpen: (heard) => hear("open-page", heard),
  onNotice: (heard) => hear("notice", heard),
};

function hear<Payload>(event: string, heard: (payload: Payload) => void): () => void {
  const registered = listen<Payload>(event, ({ payload }) => heard(payload));
  return () => void registered.then((stop) => stop());
}
