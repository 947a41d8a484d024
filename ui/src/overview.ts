import type { AccountView, AgentStatusReply, AuthPhase, Backend, Settings } from "./backend";

/** What every page of the main window stands on. */
export interface Overview {
  agent: AgentStatusReply;
  accounts: AccountView[];
  /** Where the sign-ins are that are open, by account. */
  phases: Record<string, AuthPhase>;
  settings: Settings;
}

export async function readOverview(backend: Backend): Promise<Overview> {
  const agent = await backend.agentStatus();
  // A locked window doesn't even hold the names that it isn't to show.
  const listed = agent.locked ? Promise.resolve([]) : backend.accounts();
  const [accounts, settings] = await Promise.all([listed, backend.settings()]);
  return { agent, accounts, phases: await readPhases(backend, accounts), settings };
}

async function readPhases(backend: Backend, accounts: AccountView[]): Promise<Record<string, AuthPhase>> {
  const open = accounts.filter(({ status }) => status === "signing_in");
  // A sign-in that ended meanwhile, or can't be asked about, is in no phase.
  const asked = await Promise.allSettled(open.map(({ profile }) => backend.signInStatus(profile)));
  return Object.fromEntries(
    asked.flatMap((answer) => (answer.status === "fulfilled" ? [[answer.value.profile, answer.value.phase]] : [])),
  );
}
