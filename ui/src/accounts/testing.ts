// What tests of the window share: accounts that can be told apart, and a Backend without an agent.

import type { AccountView, AgentStatus, Backend, BackendError } from "../backend";

export const NOW = Date.parse("2026-11-22T14:45:00Z");

export function account(different: Partial<AccountView> = {}): AccountView {
  return {
    profile: "linear-work",
    label: "Linear (work)",
    server_url: "https://mcp.linear.app/mcp",
    status: "connected",
    expires_at: null,
    ...different,
  };
}

export function agentStatus(different: Partial<AgentStatus> = {}): AgentStatus {
  return { version: "0.1.0", vault: "unlocked", configuration_problem: null, ...different };
}

export function backendError(name: string): BackendError {
  return { code: 0, message: `the agent said ${name}`, data: { name, retryable: false } };
}

/** Answers what the test put into it; the test may change it between two calls. */
export class FakeBackend implements Backend {
  accounts: AccountView[] = [];
  agent: AgentStatus = agentStatus();
  failure: BackendError | null = null;

  async agentStatus(): Promise<AgentStatus> {
    if (this.failure) throw this.failure;
    return this.agent;
  }

  async listAccounts(): Promise<AccountView[]> {
    if (this.failure) throw this.failure;
    return this.accounts;
  }
}
