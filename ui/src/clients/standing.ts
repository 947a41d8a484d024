import type { ClientUse, ClientView } from "../backend";

/** How a client stands to an account. */
export type Standing = "installed" | "ready" | "unreadable" | "absent";

/** What a client has of Keybearer's for this account. An entry for one folder alone is none for the client. */
export function useOf(client: ClientView, profile: string): ClientUse | null {
  const entries = client.entries.filter((entry) => entry.project === null && entry.keybearer?.profile === profile);
  return entries[0]?.keybearer ?? null;
}

export function standingOf(client: ClientView, profile: string): Standing {
  if (!client.installed) return "absent";
  if (useOf(client, profile)) return "installed";
  return client.problems.length > 0 ? "unreadable" : "ready";
}

/** Whether a client has this server already, with a sign-in of its own or none. */
export function hasServer(client: ClientView, serverUrl: string): boolean {
  const bare = (url: string) => url.replace(/\/+$/, "");
  return client.entries.some((entry) => entry.server_url !== null && bare(entry.server_url) === bare(serverUrl));
}

/** A word as a shell takes it. Names may hold spaces, which it would split. */
export function shellWord(word: string): string {
  return /^[\w.@-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
