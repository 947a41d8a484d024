import type { AccountView, AgentStatusReply, Backend, Settings } from "./backend";

/** What every page of the main window stands on. */
export interface Overview {
  agent: AgentStatusReply;
  accounts: AccountView[];
  settings: Settings;
}

export async function readOverview(backend: Backend): Promise<Overview> {
  const agent = await backend.agentStatus();
  // A locked window doesn't even hold the names that it isn't to show.
  const listed = agent.locked ? Promise.resolve([]) : backend.accounts();
  const [accounts, settings] = await Promise.all([listed, backend.settings()]);
  return { agent, accounts, settings };
}
