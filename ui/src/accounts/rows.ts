import type { AccountView } from "../backend";
import { needsUser } from "./statusWords";

export type Filter = "all" | "needs_you";

/** An account in the list; `more` where the one above it is of the same server. */
export interface Row {
  account: AccountView;
  more: boolean;
}

/** Which accounts the list shows, in which order: by name, those of one server under its first. No state moves a row. */
export function rowsOf(accounts: AccountView[], filter: Filter, search: string): Row[] {
  const wanted = search.trim().toLocaleLowerCase();
  const servers = new Map<string, AccountView[]>();
  for (const account of accounts.toSorted((a, b) => byName.compare(a.profile, b.profile))) {
    if (filter === "needs_you" && !needsUser(account.status)) continue;
    if (!`${account.profile} ${account.label} ${account.server_url}`.toLocaleLowerCase().includes(wanted)) continue;
    const siblings = servers.get(account.server_url);
    if (siblings) siblings.push(account);
    else servers.set(account.server_url, [account]);
  }
  return [...servers.values()].flatMap((siblings) => siblings.map((account, at) => ({ account, more: at > 0 })));
}

const byName = new Intl.Collator(undefined, { numeric: true });
