import type { AccountView, AgentStatus, Backend, BackendError } from "../backend";

/** What the window knows of the accounts. A list that was read once stays on the screen while it is read again. */
export type Accounts =
  | { kind: "loading" }
  | { kind: "failed"; error: BackendError }
  | { kind: "listed"; accounts: AccountView[]; agent: AgentStatus };

/** The accounts as the agent last told them; `read` asks again. */
export function accountsOf(backend: Backend) {
  let current = $state.raw<Accounts>({ kind: "loading" });
  let latest = 0;

  return {
    get current(): Accounts {
      return current;
    },
    async read(): Promise<void> {
      const mine = ++latest;
      const answer = await ask(backend);
      // Answers may overtake each other; the question asked last decides.
      if (mine === latest) current = answer;
    },
  };
}

async function ask(backend: Backend): Promise<Accounts> {
  try {
    const [agent, accounts] = await Promise.all([backend.agentStatus(), backend.listAccounts()]);
    return { kind: "listed", accounts, agent };
  } catch (error) {
    return { kind: "failed", error: asBackendError(error) };
  }
}

/** Tauri itself rejects with a bare text, for example where a permission is missing. */
function asBackendError(error: unknown): BackendError {
  if (typeof error === "object" && error !== null && "data" in error) return error as BackendError;
  return { code: -32603, message: String(error), data: { name: "internal_error", retryable: false } };
}
