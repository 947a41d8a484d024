// Written by `KEYBEARER_WRITE_BINDINGS=1 cargo test -p keybearer-desktop`. Not for editing.

/** How a command is called: Tauri's `invoke`. */
export type Invoke = <T>(command: string, args?: Record<string, unknown>) => Promise<T>;
/** How an event is heard: Tauri's `listen`. */
export type Listen = <T>(event: string, heard: (event: { payload: T }) => void) => Promise<() => void>;

/** What a window can ask for. A promise that is rejected by the agent is rejected with an ErrorObject. */
export interface Commands {
  /** How the agent is. */
  agentStatus(): Promise<AgentStatusReply>;
  /** What came for the main window before its page could listen to events; asked once the page does. */
  opening(): Promise<Opening>;
  /** Every account, sorted by name. */
  accounts(): Promise<AccountView[]>;
  /** One account with all that is not secret. */
  account(profile: string): Promise<AccountDetail>;
  /** Writes a new profile. */
  addAccount(account: NewAccount): Promise<AccountView>;
  /** Changes how a profile authorizes itself. */
  updateAccount(change: AccountChange): Promise<AccountDetail>;
  /** Gives a profile another name; sign-in and tokens stay. */
  renameAccount(profile: string, name: string): Promise<AccountView>;
  /** Removes a profile and what the keyring holds for it. Tells the way back; without one, tokens are revoked. */
  removeAccount(profile: string): Promise<Undoable>;
  /** Brings a removed profile back whole. */
  restoreAccount(undo: string): Promise<AccountView>;
  /** Starts a sign-in, or joins the one that is open. */
  signIn(request: SignInRequest): Promise<AuthView>;
  /** How a sign-in stands. */
  signInStatus(profile: string): Promise<AuthView>;
  /** Ends an open sign-in. */
  cancelSignIn(profile: string): Promise<null>;
  /** Brings a callback address that the user copied out of the browser. */
  completeSignIn(callbackUrl: string): Promise<AuthView>;
  /** Deletes the tokens here, then revokes them at the authorization server. */
  signOut(profile: string): Promise<SignOutReply>;
  /** Makes a real `tools/list` with the account's token. */
  testAccount(profile: string): Promise<TestReply>;
  /** Lists the server's tools, with the account's token. */
  tools(profile: string): Promise<ToolsReply>;
  /** When the account had a token in the last 24 hours, and when it will have the next one. */
  timeline(profile: string): Promise<Timeline>;
  /** Puts the access token on the clipboard for half a minute. It never comes near the page. */
  copyAccessToken(profile: string): Promise<null>;
  /** Refreshes now, whatever the token's age. */
  refreshAccount(profile: string): Promise<AccountView>;
  /** The remembered answers for an account, the oldest first. */
  grants(profile: string): Promise<GrantView[]>;
  /** Forgets a remembered answer: the program is asked about again. Tells the way back. */
  revokeGrant(grant: string): Promise<Undoable>;
  /** Remembers again what was just forgotten. */
  restoreGrant(undo: string): Promise<null>;
  /** The accounts that containers and remote hosts may ask for. */
  restricted(): Promise<RestrictedView>;
  /** Lets containers and remote hosts ask for an account, or not any more. */
  setRestricted(profile: string, allowed: boolean): Promise<RestrictedView>;
  /** What happened, the newest first; the page before ended with the row of this number. */
  activity(filter: ActivityFilter, before: number | null): Promise<ActivityListReply>;
  /** What happened since the row of this number. Waits a while for something to happen. */
  followActivity(filter: ActivityFilter, seen: number): Promise<ActivityFollowReply>;
  /** The MCP clients on this computer, with what stands in their files. */
  clients(): Promise<ClientView[]>;
  /** The servers that these clients have, each once, with what is to be known beside them. */
  serversOfClients(): Promise<ClientsServersReply>;
  /** What would be written so that a client uses an account, in the best way or in this one. Writes nothing. */
  previewInstall(client: string, profile: string, mode: ClientMode | null): Promise<ClientPreview>;
  /** Writes what was previewed, if the client's file is still as it was then. */
  install(preview: string): Promise<ClientInstall>;
  /** Takes back what was written. */
  undoInstall(client: string, receipt: string): Promise<ClientUndone>;
  /** The prompts that wait for an answer; the first is shown. */
  prompts(): Promise<PromptQueue>;
  /** What the user says to a prompt. */
  answerPrompt(prompt: string, decision: Decision): Promise<null>;
  /** The settings as they are. */
  settings(): Promise<Settings>;
  /** Changes those settings that are named. */
  changeSettings(change: SettingsSetParams): Promise<Settings>;
  /** Whether the desktop starts when the user logs in. */
  startsAtLogin(): Promise<boolean>;
  /** Has the desktop start when the user logs in, in the tray and without a window; or not. */
  startAtLogin(on: boolean): Promise<null>;
  /** Drops tokens from memory and gives out none until unlocked. */
  lock(): Promise<null>;
  /** Ends the lock, with the vault's passphrase where it has one. */
  unlock(passphrase: string | null): Promise<null>;
  /** Gives out no tokens for so many minutes, or until resumed. */
  pause(minutes: number | null): Promise<null>;
  /** Ends a pause. */
  resume(): Promise<null>;
  /** Moves everything to another vault, with a passphrase where that is to have one. */
  moveVault(to: VaultKind, passphrase: string | null): Promise<null>;
  /** The remembered answers for all accounts, the oldest first. */
  allGrants(): Promise<GrantView[]>;
  /** Which program the system opens Keybearer's links with. */
  linkOwner(): Promise<LinkOwner>;
  /** Makes this program the one that opens Keybearer's links. */
  takeLinks(): Promise<LinkOwner>;
  /** Opens a link of Keybearer's as a browser would, and waits until it has come back. */
  testLinks(): Promise<null>;
  /** Where programs and people find Keybearer on this computer. */
  installation(): Promise<Installation>;
  /** Writes all accounts into a file that the person chooses; with a passphrase, sealed and with their sign-ins. */
  exportServers(passphrase: string | null): Promise<TransferExportReply | null>;
  /** Adds the accounts of a file that the person chooses. */
  importServers(): Promise<TransferImportReply | null>;
  /** Adds the accounts of the sealed file that was chosen last. */
  openImport(passphrase: string): Promise<TransferImportReply>;
  /** Where everything lies, by its names. */
  vaultStatus(): Promise<VaultStatusReply>;
  /** Chooses who gets an account's tokens without being asked about; nothing means what holds for all accounts. */
  setAccountApproval(profile: string, approval: Approval | null): Promise<null>;
  /** The browsers that sign-ins can open. */
  browsers(): Promise<Browsers>;
  /** Collects log, settings and how everything is, with everything secret removed. */
  collectDiagnostics(withNames: boolean): Promise<DiagnosticsFile[]>;
  /** Writes what was collected last into a file that the person chooses; tells its path. */
  saveDiagnostics(): Promise<string | null>;
  /** Writes the record of activity, of one account or of all, into a file that the person chooses; tells its path. */
  exportActivity(profile: string | null): Promise<string | null>;
  /** Starts the practice server if it doesn't run, and tells the address of its MCP server. */
  startPractice(): Promise<string>;
  /** Whether Keybearer brings newer versions itself, rather than whoever installed it. */
  updatesItself(): Promise<boolean>;
  /** Looks for a newer version, downloads it and checks its signature; tells its number, if there is one. */
  findUpdate(): Promise<string | null>;
  /** Puts the version that was found in the place of this one, and starts it. */
  installUpdate(): Promise<null>;
  /** Puts a text on the clipboard. */
  copyText(text: string): Promise<null>;
  /** The address of a server that was copied, if nothing else was: asked by the page for a new server, when it is opened. */
  copiedAddress(): Promise<string | null>;
  /** Quits, as the tray does: not every desktop has a place for that one. */
  quit(): Promise<null>;
}

/** The commands, called in this way. */
export function commandsOver(invoke: Invoke): Commands {
  return {
    agentStatus: () => invoke("agent_status"),
    opening: () => invoke("opening"),
    accounts: () => invoke("accounts"),
    account: (profile) => invoke("account", { profile }),
    addAccount: (account) => invoke("add_account", { account }),
    updateAccount: (change) => invoke("update_account", { change }),
    renameAccount: (profile, name) => invoke("rename_account", { profile, name }),
    removeAccount: (profile) => invoke("remove_account", { profile }),
    restoreAccount: (undo) => invoke("restore_account", { undo }),
    signIn: (request) => invoke("sign_in", { request }),
    signInStatus: (profile) => invoke("sign_in_status", { profile }),
    cancelSignIn: (profile) => invoke("cancel_sign_in", { profile }),
    completeSignIn: (callbackUrl) => invoke("complete_sign_in", { callbackUrl }),
    signOut: (profile) => invoke("sign_out", { profile }),
    testAccount: (profile) => invoke("test_account", { profile }),
    tools: (profile) => invoke("tools", { profile }),
    timeline: (profile) => invoke("timeline", { profile }),
    copyAccessToken: (profile) => invoke("copy_access_token", { profile }),
    refreshAccount: (profile) => invoke("refresh_account", { profile }),
    grants: (profile) => invoke("grants", { profile }),
    revokeGrant: (grant) => invoke("revoke_grant", { grant }),
    restoreGrant: (undo) => invoke("restore_grant", { undo }),
    restricted: () => invoke("restricted"),
    setRestricted: (profile, allowed) => invoke("set_restricted", { profile, allowed }),
    activity: (filter, before) => invoke("activity", { filter, before }),
    followActivity: (filter, seen) => invoke("follow_activity", { filter, seen }),
    clients: () => invoke("clients"),
    serversOfClients: () => invoke("servers_of_clients"),
    previewInstall: (client, profile, mode) => invoke("preview_install", { client, profile, mode }),
    install: (preview) => invoke("install", { preview }),
    undoInstall: (client, receipt) => invoke("undo_install", { client, receipt }),
    prompts: () => invoke("prompts"),
    answerPrompt: (prompt, decision) => invoke("answer_prompt", { prompt, decision }),
    settings: () => invoke("settings"),
    changeSettings: (change) => invoke("change_settings", { change }),
    startsAtLogin: () => invoke("starts_at_login"),
    startAtLogin: (on) => invoke("start_at_login", { on }),
    lock: () => invoke("lock"),
    unlock: (passphrase) => invoke("unlock", { passphrase }),
    pause: (minutes) => invoke("pause", { minutes }),
    resume: () => invoke("resume"),
    moveVault: (to, passphrase) => invoke("move_vault", { to, passphrase }),
    allGrants: () => invoke("all_grants"),
    linkOwner: () => invoke("link_owner"),
    takeLinks: () => invoke("take_links"),
    testLinks: () => invoke("test_links"),
    installation: () => invoke("installation"),
    exportServers: (passphrase) => invoke("export_servers", { passphrase }),
    importServers: () => invoke("import_servers"),
    openImport: (passphrase) => invoke("open_import", { passphrase }),
    vaultStatus: () => invoke("vault_status"),
    setAccountApproval: (profile, approval) => invoke("set_account_approval", { profile, approval }),
    browsers: () => invoke("browsers"),
    collectDiagnostics: (withNames) => invoke("collect_diagnostics", { withNames }),
    saveDiagnostics: () => invoke("save_diagnostics"),
    exportActivity: (profile) => invoke("export_activity", { profile }),
    startPractice: () => invoke("start_practice"),
    updatesItself: () => invoke("updates_itself"),
    findUpdate: () => invoke("find_update"),
    installUpdate: () => invoke("install_update"),
    copyText: (text) => invoke("copy_text", { text }),
    copiedAddress: () => invoke("copied_address"),
    quit: () => invoke("quit"),
  };
}

/** What a window is told unasked; each promise gives the way to stop listening. */
export interface Events {
  changed(heard: (payload: Changed) => void): Promise<() => void>;
  notice(heard: (payload: Notice) => void): Promise<() => void>;
  openPage(heard: (payload: OpenPage) => void): Promise<() => void>;
}

/** The events, heard in this way. */
export function eventsOver(listen: Listen): Events {
  return {
    changed: (heard) => listen<Changed>("changed", (event) => heard(event.payload)),
    notice: (heard) => listen<Notice>("notice", (event) => heard(event.payload)),
    openPage: (heard) => listen<OpenPage>("open-page", (event) => heard(event.payload)),
  };
}

/** How a profile authorizes itself from now on; what is absent stays. */
export type AccountChange = {
  /** The profile's name. */
  profile: string,
  /** A client ID that was registered by hand; an empty one means that Keybearer finds one again. */
  client_id?: string | null,
  /** The scopes to ask for; none means those that the server names. */
  scopes?: string[] | null,
  /** What is accepted of its authorization server, beside what was; none takes all of that back. */
  exceptions?: Exception[] | null,
  /** Client secret, bearer token, header value or password. */
  secret?: string | null,
};

/** Everything about one account that is not secret. */
export type AccountDetail = {
  /** The immutable id under which the keyring and the grants know it. */
  id: string,
  /** The protected resource, as published (RFC 8707). */
  resource: string | null,
  /** The authorization server. */
  issuer: string | null,
  /** The client ID at that authorization server. */
  client_id: string | null,
  /** How the authorization server came to know that client ID. */
  registration: RegistrationKind | null,
  /** How the browser came back at the last sign-in. */
  callback: CallbackKind | null,
  /** The header's name, for [`AuthType::Header`]. */
  header: string | null,
  /** The user's name, for [`AuthType::Basic`]. */
  username: string | null,
  /** The file in which a platform keeps a JWT fresh, for [`AuthType::Workload`] and [`AuthType::Enterprise`]. */
  assertion_file?: string | null,
  /** The identity provider, for [`AuthType::Enterprise`]. */
  identity_provider?: IdentityProvider | null,
  /** When the current access token came. */
  received_at: string | null,
  /** When it will be renewed, sooner on request. */
  renews_at: string | null,
  /** Who is signed in, in the authorization server's own words: a name or an address of a person, for quotes. */
  signed_in_as?: string | null,
  /** How the server is spoken to, since it was last spoken to. */
  transport?: Transport | null,
  /** The last real `tools/list`. */
  last_test: LastTest | null,
  /** Whether a refresh token is kept. */
  renewable: boolean,
  /** The count of token sets so far; a new one with each sign-in and refresh. */
  generation: number,
  /** When the user last signed in. */
  signed_in_at: string | null,
  /** Why the last refresh or sign-in failed, if it did. */
  last_error: ErrorObject | null,
  /** The scopes that the server wants and the sign-in doesn't give: the next one asks for them. */
  wanted_scopes?: string[],
  /** Further parameters of the authorization request. */
  parameters?: { [key in string]: string },
  /** Whether `resource` is left out of all requests. */
  omit_resource?: boolean,
  /** What is accepted of its authorization server. */
  exceptions?: Exception[],
  /** Who gets its tokens without being asked about, where that isn't what the settings say for all accounts. */
  approval?: Approval | null,
} & AccountView;

/** The state of an account; the same words in window, tray and command. */
export type AccountStatus = 
/** A token is there, or can be had without the user. */
"connected" | 
/** The token ends and can't be renewed without the user. */
"expiring" | 
/** A sign-in is open. */
"signing_in" | 
/** The user has to sign in. */
"needs_sign_in" | 
/** It works, and its server wants more than the sign-in gives: the user has to sign in for that. */
"needs_more_access" | 
/** The server or its authorization server doesn't answer now; others work. */
"unreachable" | 
/** The server is open. */
"no_sign_in" | 
/** The keyring is locked or away: nothing can be said. */
"locked";

/** One account in a list; nothing secret. */
export type AccountView = {
  /** The profile's name. */
  profile: string,
  /** What the user reads; the name unless the server told better. */
  label: string,
  /** The MCP server. */
  server_url: string,
  /** How it authorizes itself. */
  auth: AuthType,
  /** Its state. */
  status: AccountStatus,
  /** When the access token ends, where it does. */
  expires_at: string | null,
  /** The scopes that were granted. */
  scopes: string[],
  /** Since when the server or its authorization server doesn't answer, while it doesn't. */
  unreachable_since?: string | null,
};

/** Whoever made a request, as the kernel told then. */
export type ActivityCaller = {
  /** The process at the other end of the connection. */
  pid?: number | null,
  /** The program that a person would name. */
  program: ProgramView,
  /** The name that the caller gave itself: untrusted, for quotes (REQ-H4). */
  claimed_name?: string,
  /** Whether it lives in a sandbox, a container or another namespace. */
  foreign?: boolean,
};

/** What happened. */
export type ActivityEntry = {
  /** When; of several calls the first. */
  at: string,
  /** The kind. */
  kind: ActivityKind,
  /** How many equal calls this row stands for. */
  calls?: number,
  /** When the last of them came, for a row of several; when it ended, for what lasts. */
  until?: string | null,
  /** The profile, by its name then; for a refused call what the caller named. */
  profile?: string | null,
  /** The account's id, which outlives names. */
  account?: string | null,
  /** What the token covers. */
  scopes?: string[],
  /** The resource that it is for. */
  resource?: string | null,
  /** What a person said. */
  decision?: Decision | null,
  /** The remembered answer that allowed it, was made or forgotten. */
  grant?: string | null,
  /** Who asked; absent for what Keybearer did by itself. */
  caller?: ActivityCaller | null,
  /** Whether the token was at hand; false if it was renewed for this call. */
  from_cache?: boolean | null,
  /** When the token ends. */
  expires_at?: string | null,
  /** The first eight hexadecimal digits of the access token's SHA-256: the same token has the same. */
  token_sha256?: string | null,
  /** The name of the error, such as `consent_denied`. */
  error?: string | null,
  /** A word on the cause, such as the exact rule behind an error, or what was changed. Stable. */
  cause?: string | null,
  /** Why the caller asked, in its own words: untrusted, for quotes. */
  reason?: string | null,
};

/** Which rows are meant; those that fit all that is named. */
export type ActivityFilter = {
  /** Only those of this profile: one that is there under all names that it had, one that is gone by its last name. */
  profile?: string | null,
  /** Only those of this program: its name, its executable or its script. */
  program?: string | null,
  /** Only those of these kinds. */
  kinds?: ActivityKind[],
};

/** The reply to `activity.follow`. */
export type ActivityFollowReply = {
  /** The oldest first. */
  rows: ActivityRow[],
  /** What to ask with next. */
  seen: number,
  /** Whether there is more already. */
  more: boolean,
};

/** What a row is about. */
export type ActivityKind = 
/** A program got an access token. */
"token_given" | 
/** A program got headers. */
"header_given" | 
/** A request of a program was carried to the server, through the gateway. */
"request_carried" | 
/** A person put an access token on the clipboard. */
"token_copied" | 
/** A program got nothing. */
"refused" | 
/** A person answered a prompt. */
"prompt_answered" | 
/** A remembered answer was forgotten. */
"grant_revoked" | 
/** It is remembered again. */
"grant_restored" | 
/** New tokens replaced the old ones. */
"token_refreshed" | 
/** They could not be renewed. */
"refresh_failed" | 
/** An account was signed in. */
"signed_in" | 
/** A sign-in came to nothing. */
"sign_in_failed" | 
/** An account was signed out. */
"signed_out" | 
/** An account was added. */
"account_added" | 
/** How an account signs in was changed, or its name. */
"account_changed" | 
/** An account was removed. */
"account_removed" | 
/** It was brought back. */
"account_restored" | 
/** An account was written into a client's file. */
"client_installed" | 
/** That was taken back. */
"client_undone" | 
/** Keybearer was locked. */
"locked" | 
/** Keybearer was unlocked. */
"unlocked" | 
/** A person wants nothing given out for a while. */
"paused" | 
/** That is over. */
"resumed" | 
/** The computer slept, from then until it woke. */
"slept" | 
/** What guards the tokens was changed. */
"protection_changed" | 
/** A connection was hung up on. */
"connection_refused" | 
/** The record begins here. */
"record_begun" | 
/** So many rows could not be written. */
"rows_missed";

/** A page of rows. */
export type ActivityListReply = {
  /** The newest first. */
  rows: ActivityRow[],
  /** Whether another page follows. */
  more: boolean,
  /** The number of the newest row of all, to follow from. */
  newest: number,
};

/** One row. */
export type ActivityRow = {
  /** Counts the rows of this home, without a gap. */
  number: number,
  /** SHA-256 over the hash of the row before, the number and the row as it lies in the file, in hexadecimal digits. */
  hash: string,
} & ActivityEntry;

/** The reply to `agent.status`. */
export type AgentStatusReply = {
  /** Its version. */
  version: string,
  /** Its process id. */
  pid: number,
  /** Since when it runs. */
  started_at: string,
  /** How it came to run. */
  started_by?: StartedBy,
  /** The number of accounts. */
  accounts: number,
  /** How many of them need the user. */
  need_user: number,
  /** Whether the agent is locked. */
  locked: boolean,
  /** Why it can't lock by itself as it was told to, if it can't. */
  lock_problem?: string | null,
  /** The pause, if nothing is given out for a while. */
  pause?: Pause | null,
  /** Whether the machine has no network. */
  offline?: boolean,
  /** Whether a desktop is there to ask a person. */
  prompter: boolean,
  /** How many prompts wait for a person. */
  prompts: number,
  /** Which vault is in use; absent if that can't be told. */
  vault_kind: VaultKind | null,
  /** Whether the vault gives nothing until its passphrase was given. */
  wants_passphrase: boolean,
  /** The state of the vault. */
  vault: VaultState,
  /** What is wrong with it, if something is. */
  vault_problem: string | null,
  /** What a person can do about it. */
  vault_advice: string | null,
  /** What is wrong with `servers.json`, if something is. */
  configuration_problem: string | null,
  /** Why the gateway doesn't listen although a client has a key, if it doesn't. */
  gateway_problem?: string | null,
  /** What is wrong with the record of activity, if something is. */
  activity_problem?: string | null,
  /** What a person can do about it. */
  activity_advice?: string | null,
};

/** Why "always" is not offered. */
export type AlwaysOff = 
/** Nothing tells this program from another. */
"unidentified" | 
/** Any program of this user can put another file in its place. */
"replaceable_by_user" | 
/** Other users can change the file. */
"others_can_change" | 
/** It was allowed before, and its file was changed since. */
"changed" | 
/** It comes from a container or a remote host: each request is asked about. */
"restricted";

/** Who gets tokens without being asked about. */
export type Approval = 
/** Every program of this user outside sandboxes: for machines without a desktop. */
"same_user" | 
/** Nobody: a person is asked about each program. In force for good once a desktop has registered as prompter. */
"ask";

/** The phases of a sign-in. */
export type AuthPhase = 
/** The agent looks at the server and its authorization server. */
"preparing" | 
/** The browser is open, or its address waits to be opened. */
"waiting_for_browser" | 
/** The callback came; tokens are fetched and tried. */
"finishing" | 
/** Signed in and tried. */
"signed_in" | 
/** It failed: see `error`. */
"failed" | 
/** No sign-in is open. */
"none";

/** One of the eight steps of a sign-in. */
export type AuthStep = {
  /** Which. */
  name: StepName,
  /** How it stands. */
  state: StepState,
  /** What was found, such as the issuer. */
  fact: string | null,
  /** How long it took, in milliseconds, once it has ended; absent where it ended together with others. */
  took_ms?: number | null,
};

/** How an account authorizes itself. */
export type AuthType = 
/** Look at the server, then decide. */
"auto" | 
/** OAuth 2.1 authorization code with PKCE. */
"oauth" | 
/** OAuth 2.0 device authorization: the person signs in on any device, and types a code there. */
"device" | 
/** OAuth 2.1 client credentials: the client itself signs in, and no person. */
"client_credentials" | 
/** A workload, which its platform gives a JWT that stands for it (RFC 7523). */
"workload" | 
/** A person of a company, whose identity provider vouches for them at the authorization server (ID-JAG). */
"enterprise" | 
/** A fixed bearer token. */
"bearer" | 
/** A fixed header of any name, such as `X-API-Key`. */
"header" | 
/** User name and password (RFC 7617). */
"basic" | 
/** The server needs no sign-in. */
"none";

/** How a sign-in stands. */
export type AuthView = {
  /** The profile's name. */
  profile: string,
  /** Counts the changes of this view. */
  revision: number,
  /** Where it is. */
  phase: AuthPhase,
  /** The steps so far and to come, in order. */
  steps: AuthStep[],
  /** The address to open in a browser, while one is awaited. */
  authorization_url: string | null,
  /** The code to type at that address, or to compare with the one that it shows, where there is one. */
  user_code?: string | null,
  /** Whether the authorization server would take a sign-in on another device as well. */
  device_offered?: boolean,
  /** How the browser is to come back, once that is known. */
  callback: CallbackKind | null,
  /** Whether the agent opened a browser itself. */
  browser_opened: boolean,
  /** When the sign-in lapses, while a browser is awaited. */
  expires_at: string | null,
  /** Until when that address can be opened, where that is sooner; starting again makes a new one. */
  page_lapses_at?: string | null,
  /** Why it failed. */
  error: ErrorObject | null,
};

/** When Keybearer locks by itself: never, unless a person chose so. */
export type AutoLock = {
  /** After so many seconds without a sign of the person; absent means that no time is too long. */
  after_secs: number | null,
  /** When the screen locks. */
  with_screen: boolean,
  /** Before the computer sleeps. */
  before_sleep: boolean,
};

/** A change of [`AutoLock`]: what is absent stays. */
export type AutoLockChange = {
  /** After so many seconds without a sign of the person; 0 means that no time is too long. */
  after_secs?: number | null,
  /** When the screen locks. */
  with_screen?: boolean | null,
  /** Before the computer sleeps. */
  before_sleep?: boolean | null,
};

/** A browser that sign-ins can open. */
export type BrowserChoice = {
  /** The name of its desktop entry. */
  entry: string,
  /** What people call it. */
  name: string,
};

/** What there is to choose from. */
export type Browsers = {
  /** What the system's own is called, if it tells. */
  system: string | null,
  /** All of them, by name. */
  all: BrowserChoice[],
};

/** A way back from the browser, or Keybearer's own choice. */
export type CallbackChoice = 
/** Keybearer chooses. */
"auto" | 
/** The custom scheme. */
"deep_link" | 
/** The loopback address. */
"loopback";

/** How a browser comes back from the authorization server. */
export type CallbackKind = 
/** The custom scheme, which the desktop answers (RFC 8252 §7.1). */
"deep_link" | 
/** A port of this machine (RFC 8252 §7.3). */
"loopback";

/** Something that a window shows has changed: read it again. */
export type Changed = {
  /** Counts the changes since the desktop started. */
  revision: number,
};

/** What is done where an answer for good was for another content of the program's file, as after an update of it. */
export type ChangedPrograms = 
/** A person is asked again. */
"ask" | 
/** It gets nothing until that answer is taken back. */
"deny";

/** What an entry of a client says. */
export type ClientEntry = {
  /** Its name in the file. */
  name: string,
  /** The one folder that it counts for; absent for all. */
  project: string | null,
  /** The address that it leads to, without secrets. */
  server_url: string | null,
  /** The program that it starts, without its options. */
  command: string | null,
  /** How the address is spoken with. */
  transport: ClientTransport | null,
  /** Whether it is switched off there. */
  disabled: boolean,
  /** What it has of Keybearer's; absent for others. */
  keybearer: ClientUse | null,
  /** The secrets that stand in it as plain text. */
  plain_text: PlainTextSecret[],
};

/** What was written. */
export type ClientInstall = {
  /** Names it for `clients.undo`. */
  receipt: string,
  /** The client. */
  client: string,
  /** The account. */
  profile: string,
  /** The way. */
  mode: ClientMode,
  /** The file. */
  file: string,
  /** The copy of the file as it was; absent if there was none. */
  backup: string | null,
  /** When the client takes note of it. */
  note: string,
};

/** A way in which a client gets fresh tokens. */
export type ClientMode = 
/** It runs `keybearer headers` at each connection. */
"helper" | 
/** It starts `keybearer bridge` and speaks with that. */
"bridge" | 
/** It speaks HTTP with the gateway over a local socket. */
"socket" | 
/** It speaks HTTP with the gateway on a local port, with a key of its own. */
"gateway";

/** A way that a client can take. */
export type ClientModeView = {
  /** The way. */
  mode: ClientMode,
  /** What it means, in one sentence or two. */
  why: string,
};

/** What would be written. */
export type ClientPreview = {
  /** Names it for `clients.apply`, for ten minutes. */
  preview: string,
  /** The client. */
  client: string,
  /** The account. */
  profile: string,
  /** The way. */
  mode: ClientMode,
  /** What that means, in one sentence or two. */
  why: string,
  /** The file. */
  file: string,
  /** The entry's name in it. */
  entry: string,
  /** Whether the entry is there already and is taken over. */
  adopts: boolean,
  /** Whether the entry that is taken over is switched off, and stays so. */
  disabled: boolean,
  /** Whether the file is made. */
  creates: boolean,
  /** Whether the file says all of it already, so that there is nothing to write. */
  done: boolean,
  /** The lines of a unified diff. What may be secret is covered. */
  diff: string[],
  /** How many lines there are beyond those. */
  omitted: number,
  /** How many lines come. */
  added: number,
  /** How many lines go. */
  removed: number,
  /** The secrets that go from the file. They stay good at their server until they are revoked there. */
  removes_plain_text: PlainTextSecret[],
  /** Other entries of this client that lead to the same server and are left alone. */
  same_server: string[],
  /** The entry as this client writes it, to paste by hand; absent if a key would be in it. */
  snippet: string | null,
};

/** A file of a client that can't be read. */
export type ClientProblem = {
  /** A stable word, such as `broken`. */
  reason: string,
  /** What is wrong, where, and what to do. */
  message: string,
};

/** How a server is spoken with. */
export type ClientTransport = 
/** Streamable HTTP. */
"http" | 
/** HTTP with server-sent events, as before 2025-03-26. */
"sse" | 
/** A web socket. */
"web_socket" | 
/** HTTP over a local socket or pipe. */
"socket";

/** What was taken back. */
export type ClientUndone = {
  /** The client. */
  client: string,
  /** Each file. */
  files: FileUndone[],
};

/** What an entry has of Keybearer's. */
export type ClientUse = {
  /** The way. */
  mode: ClientMode,
  /** The account's name, as the entry says it. */
  profile: string | null,
  /** Whether there is an account of this name. One that was renamed or removed is no use to the client. */
  known: boolean,
  /** Names what `clients.undo` takes back; absent if somebody else wrote the entry. */
  receipt: string | null,
};

/** An MCP client. */
export type ClientView = {
  /** Its name for programs: one of [`CLIENTS`]. */
  client: string,
  /** Its name for people. */
  name: string,
  /** Whether it is here. One that isn't is never given a file. */
  installed: boolean,
  /** The file that an entry is written to; it need not be there. */
  file: string,
  /** The ways that it can take, the best first. */
  modes: ClientModeView[],
  /** Its files that can't be read. */
  problems: ClientProblem[],
  /** What stands in its files; entries of Keybearer's come first. */
  entries: ClientEntry[],
  /** How many entries there are beyond those. */
  omitted: number,
};

/** A page of servers. */
export type ClientsServersReply = {
  /** In the order in which they were found. */
  servers: ServerFound[],
  /**
   *  How many other entries there are, which start a program of their own or lead to no known address: there is nothing
   *  to sign in to.
   */
  others: number,
  /** Files that can't be read. */
  problems: ClientProblem[],
  /**
   *  Where other programs keep sign-ins of their own. They are left alone: a refresh token that two programs use is lost
   *  to one of them.
   */
  sign_ins: OtherSignIns[],
  /** Whether another page follows. */
  more: boolean,
};

/** How surely a program is known (REQ-I5), the surest first. */
export type Confidence = 
/** A publisher signed it. */
"signed" | 
/** Only the system's administrator can change it. */
"system" | 
/** This user can change it. */
"hash" | 
/** A script under an interpreter, known by path and content. */
"script" | 
/** A running process, and no more. */
"pid_only" | 
/** Nothing is known. */
"unknown";

/** What a person can say to a prompt. */
export type Decision = 
/** No; remembered while the program runs. */
"deny" | 
/** Yes, to the calls that wait now. */
"once" | 
/** Yes, until the program exits, at most eight hours. */
"while_running" | 
/** Yes, whenever this program asks for this account. */
"always";

/** One file of the bundle. Nothing in it is secret. */
export type DiagnosticsFile = {
  /** Its name, such as `log.txt`. */
  name: string,
  /** What is in it. */
  content: string,
};

/** A part of an entry in which secrets may stand. */
export type EntryPart = 
/** A header of HTTP. */
"header" | 
/** An environment variable. */
"environment" | 
/** A word behind the command. */
"argument" | 
/** The address. */
"address" | 
/** The client's own sign-in. */
"sign_in";

/** The `error.data` member: what programs read. */
export type ErrorData = {
  /** See [`ErrorCode::name`]. */
  name: string,
  /** The exact rule or event behind the code, such as `issuer_mismatch`. Stable. */
  reason?: string | null,
  /** See [`ErrorCode::retryable`]. */
  retryable: boolean,
  /** Milliseconds to wait before the next try. */
  retry_after_ms?: number | null,
  /** What the user can do about it, such as `keybearer sign-in linear`. */
  action?: string | null,
  /** What of the account's authorization server would have to be accepted for it to go well. */
  exception?: Exception | null,
};

/** The `error` member of a JSON-RPC answer. */
export type ErrorObject = {
  /** See [`ErrorCode::code`]. */
  code: number,
  /** One line for people: what happened, what it means. */
  message: string,
  /** What programs read. */
  data: ErrorData,
};

/** One exception. It weakens a check, so once a desktop has registered, only its connection may give one. */
export type Exception = 
/** It knows PKCE and doesn't say so. */
"pkce_not_advertised" | 
/** Its metadata name it with a slash at the end, or without, where the server names it the other way. */
"issuer_slash";

/** A file as it is after an undo. */
export type FileUndone = {
  /** The file. */
  file: string,
  /** How. */
  outcome: UndoOutcome,
};

/** An entry that leads to a server. */
export type FoundIn = {
  /** The client. */
  client: string,
  /** The client's name for people. */
  client_name: string,
  /** The entry's name there. */
  entry: string,
  /** Whether it is switched off there. */
  disabled: boolean,
  /** Whether Keybearer is behind it already. */
  keybearer: boolean,
  /** The secrets that stand in it as plain text. */
  plain_text: PlainTextSecret[],
};

/** One remembered answer. */
export type GrantView = {
  /** Names the grant. */
  grant: string,
  /** The account. */
  profile: string,
  /** What the program is called. */
  program: string,
  /** Its executable. */
  exe: string | null,
  /** The script that it runs. */
  script: string | null,
  /** Who started the program when it was answered, by name, the oldest first. */
  started_by?: string[],
  /** When its script became another one than was answered: then it is asked about again. */
  changed_at?: string | null,
  /** The running program, for answers that end with it. */
  pid: number | null,
  /** Whether it is about one connection: one that this program inherited from `keybearer run`, or its bridge. */
  inherited?: boolean,
  /** Whether it is a key of the gateway, which whoever has it may use. */
  gateway?: boolean,
  /** What was said: [`Decision::Deny`], [`Decision::WhileRunning`] or [`Decision::Always`]. */
  decision: Decision,
  /** When it was said. */
  created_at: string,
  /** When it was last used, since the agent started. */
  last_used_at: string | null,
  /** How often it was used since the agent started. */
  uses: number,
  /** When it ends by itself. */
  expires_at: string | null,
};

/** The command. */
export type Helper = {
  /** Its file. */
  path: string,
  /** Its version. */
  version: string,
  /** Whether its name alone leads to it, as far as this desktop's `PATH` tells. */
  on_path: boolean,
};

/** A company's identity provider, for [`AuthType::Enterprise`]. */
export type IdentityProvider = {
  /** Its issuer; its endpoints are found by its metadata. */
  issuer: string,
  /** Our client ID there. */
  client_id: string,
  /** Its token endpoint, where its metadata are not to be asked. */
  token_endpoint?: string | null,
};

/** Where things are. */
export type Installation = {
  /** The socket that programs ask at. */
  socket: string,
  /** The command, if it can be run. */
  command: Helper | null,
};

/** A keyring, as people know it. */
export type KeyringView = {
  /** What its program is called; absent where that isn't known. */
  program: string | null,
  /** Which of its collections new items go to, in the words of whoever made it: for quotes. */
  collection: string | null,
};

/** The languages of the window. */
export type Language = 
/** English. */
"en" | 
/** Simplified Chinese. */
"zh-CN";

/** A language, or the system's. */
export type LanguageChoice = 
/** The system's. */
"system" | 
/** English. */
"en" | 
/** Simplified Chinese. */
"zh-CN";

/** A real `tools/list`, made with the account's token. */
export type LastTest = {
  /** When. */
  at: string,
  /** How long it took, in milliseconds. */
  took_ms: number,
  /** The number of tools that the server offers. */
  tools: number,
  /** The MCP revision that was spoken. */
  protocol: string,
  /** The server's own name and version. */
  server: string,
};

/** Who opens them. */
export type LinkOwner = 
/** This program. */
"this" | 
/** Another one, perhaps an earlier Keybearer. */
"other" | 
/** Nobody. */
"nobody";

/** How much the log tells. Secrets are in neither. */
export type LogDetail = 
/** What starts, ends and goes wrong. */
"normal" | 
/** Each request as well. */
"detailed";

/** A profile to add. */
export type NewAccount = {
  /** The MCP server's address. */
  url: string,
  /** The profile's name; made from the address where absent. */
  name?: string | null,
  /** How it authorizes itself. */
  auth: AuthType,
  /** A client ID that was registered by hand. */
  client_id?: string | null,
  /** Scopes to ask for instead of those that the server names. */
  scopes?: string[],
  /** The header's name, for `header`. */
  header?: string | null,
  /** The user's name, for `basic`. */
  username?: string | null,
  /** Client secret, bearer token, header value or password. */
  secret?: string | null,
};

/** Something that the user asked for outside the page went wrong. */
export type Notice = ErrorObject;

/** The user wants to see a page of the main window. */
export type OpenPage = {
  /** Which. */
  page: Page,
  /** The account, for its page. */
  profile: string | null,
};

/** What came for the main window before its page could listen. */
export type Opening = {
  /** The page to begin with, if one was asked for. */
  page: OpenPage | null,
  /** What went wrong, if something did. */
  notice: Notice | null,
};

/** A place in which another program keeps sign-ins. It isn't read. */
export type OtherSignIns = {
  /** Whose they are. */
  program: string,
  /** Where they are. */
  place: string,
};

/** The pages of the main window that can be asked for from outside. */
export type Page = 
/** One account. */
"account" | 
/** The way to add a server. */
"add" | 
/** The settings. */
"settings" | 
/** All accounts. */
"list";

/** A pause: nothing is given out, and everything is renewed. */
export type Pause = {
  /** When it ends by itself; absent if somebody has to end it. */
  until: string | null,
};

/** A secret that stands in a file as plain text. Its value is nowhere else. */
export type PlainTextSecret = {
  /** In which part of the entry. */
  part: EntryPart,
  /** The name of the header, variable, option or parameter. */
  name: string,
};

/** One process of the chain that led to a request. */
export type ProcessView = {
  /** Its process id. */
  pid: number,
  /** What it is called. */
  name: string,
  /** Whether it is the program that an answer is remembered for. */
  remembered: boolean,
};

/** The program behind a request: the one that a person would name, past helpers and shells (REQ-I6). */
export type ProgramView = {
  /** The file name of its script or executable; absent for a program that can't be identified. */
  name: string | null,
  /** Its process id. */
  pid: number | null,
  /** When the process began, in the kernel's own clock: with `pid` it names this one running program. */
  started: string | null,
  /** The executable. */
  exe: string | null,
  /** Who signed the executable, and as what, if that is how it is known: it stays the same through updates. */
  signer: string | null,
  /** The script that the executable runs, where it is an interpreter (REQ-I7). */
  script: string | null,
  /** The script's SHA-256 in hexadecimal digits. */
  script_sha256: string | null,
  /** The folder that it works in. */
  folder: string | null,
  /** How sure the rest is. */
  confidence: Confidence,
  /** Whether other users can change the executable or the script. */
  others_can_change: boolean,
  /** The sandbox, container or other machine that it speaks from; what it is called there proves nothing. */
  sandbox: Sandbox | null,
  /** Who started whom, the oldest first, the caller last. */
  chain: ProcessView[],
};

/** What a program asks for. */
export type PromptKind = 
/** To use the account itself. */
"program" | 
/** To start a command with a connection that serves it as long as it runs (REQ-C2). */
"run" | 
/** One token, for somebody behind the restricted door: a container or a remote host, and nobody can check which. */
"restricted";

/** The prompts that wait. */
export type PromptQueue = {
  /** Counts the changes. */
  revision: number,
  /** In the order in which they are to be shown. */
  prompts: PromptView[],
};

/** One question for a person: may this program use this account? */
export type PromptView = {
  /** Names the prompt in its answer. */
  prompt: string,
  /** The account that is asked for. */
  profile: string,
  /** Its server. */
  server_url: string,
  /** What the token covers. */
  scopes: string[],
  /** When the token ends, where that is known. */
  token_expires_at: string | null,
  /** What for. */
  kind: PromptKind,
  /** Who asks. */
  program: ProgramView,
  /** The name that the caller gave itself: untrusted, for quotes (REQ-H4). */
  claimed_name: string,
  /** Why "always" is not offered; absent where it is. */
  always_off: AlwaysOff | null,
  /** When the script was allowed before with another content: since then it was changed. */
  allowed_before: string | null,
  /** How many calls wait for the answer. */
  calls: number,
  /** When it lapses; no answer until then means no. */
  expires_at: string,
};

/** How an authorization server came to know a client ID. */
export type RegistrationKind = 
/** Registered by hand. */
"pre_registered" | 
/** It is the address of a metadata document. */
"metadata_document" | 
/** Registered by Keybearer (RFC 7591). */
"dynamic";

/** The restricted door as it stands. */
export type RestrictedView = {
  /** The accounts behind it, sorted by name. */
  profiles: string[],
  /** Whether it is open. */
  open: boolean,
  /** Why it isn't, although there are accounts behind it. */
  problem: string | null,
};

/** The sandbox, container or other machine that a program speaks from. */
export type Sandbox = {
  /** What kind it is. */
  kind: SandboxKind,
  /** What the system calls it, such as `org.gnome.Maps`, `firefox.geckodriver` or `docker:0f3a…`, where it has a name. */
  name: string | null,
};

/** What keeps a program apart. */
export type SandboxKind = 
/** A Flatpak, named by its application. */
"flatpak" | 
/** A strictly confined snap, named by snap and app. */
"snap" | 
/** A container, named by what runs it and the container's own id or name. */
"container" | 
/** Namespaces of its own, and nothing says whose. */
"namespaces" | 
/** Another computer, through a forwarded socket. */
"remote";

/** A server that clients have. */
export type ServerFound = {
  /** Its address, without secrets. */
  server_url: string,
  /** A name for the account, which no other has. */
  name: string,
  /** The account that there is of this server already; the first, if there are several. */
  profile: string | null,
  /** Where it was found. */
  found: FoundIn[],
};

/** All settings. */
export type Settings = {
  /** The window's language; absent means the system's. */
  language: Language | null,
  /** The window's theme. */
  theme: Theme,
  /** Whether the desktop stays in the tray when its window is closed. */
  keep_running: boolean,
  /** How browsers come back; absent means that Keybearer chooses. */
  callback: CallbackKind | null,
  /** Where Keybearer's client metadata document lies, if one is hosted. */
  client_metadata_url: string | null,
  /** The program that sign-ins open, as the name of its desktop entry; absent means the system's. */
  browser: string | null,
  /** How much the log tells. */
  log_detail: LogDetail,
  /** Who gets tokens without being asked about. */
  approval: Approval,
  /** What is done where an answer for good was for another content of the program's file. */
  changed_programs: ChangedPrograms,
  /** Seconds after which a question that nobody has answered means no. */
  answer_within_secs: number,
  /** When Keybearer locks by itself. */
  auto_lock: AutoLock,
  /** What can't be seen of what it is to lock at. */
  unseen: Unseen,
};

/** Parameters of `settings.set`: what is absent stays. */
export type SettingsSetParams = {
  /** The window's language. */
  language?: LanguageChoice | null,
  /** The window's theme. */
  theme?: Theme | null,
  /** Whether the desktop stays in the tray when its window is closed. */
  keep_running?: boolean | null,
  /** How browsers come back. */
  callback?: CallbackChoice | null,
  /** Where Keybearer's client metadata document lies; an empty one means nowhere. */
  client_metadata_url?: string | null,
  /** The program that sign-ins open, as the name of its desktop entry; an empty one means the system's. */
  browser?: string | null,
  /** How much the log tells. */
  log_detail?: LogDetail | null,
  /** Who gets tokens without being asked about. */
  approval?: Approval | null,
  /** What is done where an answer for good was for another content of the program's file. */
  changed_programs?: ChangedPrograms | null,
  /** Seconds after which a question that nobody has answered means no: 10 to 120. */
  answer_within_secs?: number | null,
  /** When Keybearer locks by itself. */
  auto_lock?: AutoLockChange | null,
};

/** A sign-in to start or to join. */
export type SignInRequest = {
  /** The profile's name. */
  profile: string,
  /** How the browser is to come back; absent means that Keybearer chooses. */
  callback?: CallbackKind | null,
  /** On any device, with a code to type there. */
  device?: boolean,
  /** Register anew at the authorization server. */
  register_again?: boolean,
};

/** The reply to `account.sign_out`. The tokens are deleted in any case. */
export type SignOutReply = {
  /** Whether the authorization server took the tokens back, so that they can't be renewed any more. */
  revoked: boolean,
  /** Why it did not, or which it could not. */
  not_revoked_because: string | null,
};

/** A stretch of time. */
export type Span = {
  /** Its begin. */
  from: string,
  /** Its end. */
  until: string,
};

/** How the agent came to run. */
export type StartedBy = 
/** A service manager opened the sockets and started it with the first connection (systemd's socket unit). */
"socket_unit" | 
/** A command or the window started it because nobody listened. */
"command" | 
/** Somebody ran the executable. */
"other";

/** The eight steps of a sign-in, in order. */
export type StepName = 
/** The server answers. */
"reach_server" | 
/** Its protected resource metadata was read (RFC 9728). */
"resource_metadata" | 
/** The authorization server's metadata was read (RFC 8414). */
"authorization_server" | 
/** The authorization server knows Keybearer (RFC 7591, or otherwise). */
"identify_client" | 
/** The browser was opened. */
"open_browser" | 
/** The callback came. */
"receive_answer" | 
/** The code became tokens, and the keyring has them. */
"get_tokens" | 
/** A real `tools/list` worked. */
"test_connection";

/** How a step stands. */
export type StepState = 
/** To come. */
"todo" | 
/** Under way. */
"running" | 
/** Done. */
"done" | 
/** Waits for the user. */
"needs_user" | 
/** Not needed here. */
"skipped" | 
/** It failed. */
"stopped";

/** The reply to `account.test`. */
export type TestReply = {
  /** The number of tools that the server offers. */
  tools: number,
  /** Their names, the first hundred. */
  names: string[],
  /** The MCP revision that was spoken. */
  protocol: string,
  /** The server's own name and version. */
  server: string,
};

/** The themes of the window. */
export type Theme = 
/** The system's. */
"system" | 
/** Light. */
"light" | 
/** Dark. */
"dark";

/** The reply to `account.timeline`, out of the record of activity. */
export type Timeline = {
  /** Where it begins. */
  since: string,
  /**
   *  When a token was valid: one span for each, the oldest first; one only for those that overlap. The last may end in
   *  the future.
   */
  valid: Span[],
  /** When a renewal failed and was tried again. */
  retried: string[],
  /** When the computer slept. */
  asleep: Span[],
  /** The next token: from its renewal to the end of what it will be good for, as far as that can be told. */
  next: Span | null,
};

/** A tool of a server, in the server's own words. */
export type ToolView = {
  /** Its name. */
  name: string,
  /** What people call it, where the server says. */
  title: string | null,
};

/** The reply to `account.tools`. */
export type ToolsReply = {
  /** In the server's order, as many as fit. */
  tools: ToolView[],
  /** Whether there are more than that. */
  more: boolean,
};

/** What was written into a file. */
export type TransferExportReply = {
  /** The file. */
  file: string,
  /** How many accounts are in it. */
  accounts: number,
  /** How many of them with what signs them in. */
  signed_in: number,
};

/** What came of a file. */
export type TransferImportReply = {
  /** How many accounts were added. */
  added: number,
  /** The names of the first of them. */
  names: string[],
  /** How many of them with what signs them in. */
  signed_in: number,
  /** How many were here already, and stayed as they were. */
  known: number,
};

/** How a server is spoken to. */
export type Transport = 
/** Streamable HTTP. */
"streamable_http" | 
/** HTTP with a stream of events beside it, as the first revision of MCP had it. */
"http_sse";

/** How a change was taken back. */
export type UndoOutcome = 
/** The file is byte for byte what it was. */
"restored" | 
/** The file was made for the change and is gone again. */
"removed" | 
/** Somebody else has changed the file since: the entry alone was taken back. */
"taken_back" | 
/** There was nothing left to take back. */
"nothing";

/** The reply to what can be taken back. */
export type Undoable = {
  /** Names the way back, for half a minute; absent if there is none. */
  undo: string | null,
};

/** Why what Keybearer is to lock at can't be seen here; absent where it can, or isn't wanted. */
export type Unseen = {
  /** Why nothing is heard of the screen. */
  screen: string | null,
  /** Why nothing is heard of sleep, or only as it begins. */
  sleep: string | null,
};

/** Where secrets lie. */
export type VaultKind = 
/** In the system's keyring. */
"keyring" | 
/** In the sealed vault, whose key the system's keyring keeps. */
"sealed_by_keyring" | 
/** In the sealed vault, which a passphrase opens. */
"sealed_by_passphrase";

/** The state of the vault, found by a real write and read. */
export type VaultState = 
/** It works. */
"unlocked" | 
/** It is there and locked. */
"locked" | 
/** It is not there, or doesn't answer. */
"absent";

/** The reply to `vault.status`, and to whatever changes the vault. */
export type VaultStatusReply = {
  /** Which vault is in use; absent if that can't be told. */
  kind: VaultKind | null,
  /** Whether a passphrase has to be given before anything can be read. */
  wants_passphrase: boolean,
  /** Whether the service manager gives the passphrase (`$CREDENTIALS_DIRECTORY/keybearer`). */
  credential: boolean,
  /** The keyring that has everything, or the sealed vault's key, as far as it tells. */
  keyring?: KeyringView | null,
  /** How it is. */
  state: VaultState,
  /** What is wrong with it, if something is. */
  problem: string | null,
  /** What a person can do about it. */
  advice: string | null,
};

