// The one file that talks to Tauri. Everything else gets a Backend handed to it, so tests and other hosts bring their own.

import { invoke } from "@tauri-apps/api/core";

/** The state of an account, in the words of the agent's protocol. */
export type AccountStatus =
  "connected" | "expiring" | "signing_in" | "needs_sign_in" | "no_sign_in" | "unreachable" | "locked";

/** One account in the list; nothing secret. */
export interface AccountView {
  profile: string;
  label: string;
  server_url: string;
  status: AccountStatus;
  /** RFC 3339, or null where the agent knows of no end. */
  expires_at: string | null;
}

/** How the agent is. */
export interface AgentStatus {
  version: string;
  vault: "unlocked" | "locked" | "absent";
  /** What is wrong with `servers.json`, if something is. */
  configuration_problem: string | null;
}

/** What the agent answers where it can't do what was asked; every call of a Backend rejects with this. */
export interface BackendError {
  code: number;
  /** One line for people. */
  message: string;
  data: { name: string; retryable: boolean };
}

/** What the window can ask for. */
export interface Backend {
  agentStatus(): Promise<AgentStatus>;
  /** Every account, sorted by name. */
  listAccounts(): Promise<AccountView[]>;
}

/** The agent, through the commands of `src-tauri`. */
export const tauriBackend: Backend = {
  agentStatus: () => invoke("agent_status"),
  listAccounts: () => invoke("list_accounts"),
};
