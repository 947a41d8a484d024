import type { ActivityCaller, ActivityKind, ActivityRow } from "../backend";
import type { IconName } from "../shared/icons";
import { clockWords } from "../shared/time";
import { visible } from "../shared/visible";
import type { Texts } from "../texts/en";
import type { Locale } from "../texts/texts.svelte";

/** What the filter of the page offers. */
export type Interest = "all" | "given" | "refreshes" | "sign_ins" | "problems";

export const kindsOf: Record<Interest, ActivityKind[]> = {
  all: [],
  given: ["token_given", "header_given", "request_carried", "token_copied"],
  refreshes: ["token_refreshed", "refresh_failed"],
  sign_ins: ["signed_in", "sign_in_failed", "signed_out"],
  problems: ["refused", "refresh_failed", "sign_in_failed", "connection_refused", "rows_missed"],
};

const icons: Record<ActivityKind, IconName> = {
  token_given: "key",
  header_given: "key",
  request_carried: "key",
  token_copied: "copy",
  refused: "denied",
  prompt_answered: "check",
  grant_revoked: "cross",
  grant_restored: "check",
  token_refreshed: "refresh",
  refresh_failed: "warning",
  signed_in: "connected",
  sign_in_failed: "warning",
  signed_out: "dash",
  account_added: "plus",
  account_changed: "gear",
  account_removed: "cross",
  account_restored: "plus",
  client_installed: "plus",
  client_undone: "cross",
  locked: "lock",
  unlocked: "unlock",
  paused: "lock",
  resumed: "unlock",
  slept: "dash",
  protection_changed: "gear",
  connection_refused: "denied",
  record_begun: "activity",
  rows_missed: "warning",
};

export function iconOf({ kind }: ActivityRow): IconName {
  return icons[kind];
}

/** Whether somebody should look at it. */
export function isTrouble({ kind, cause }: ActivityRow): boolean {
  const troubles: ActivityKind[] = ["refresh_failed", "sign_in_failed", "connection_refused", "rows_missed"];
  return troubles.includes(kind) || (kind === "record_begun" && !!cause);
}

/** What happened, in one sentence. */
export function whatHappened(row: ActivityRow, now: number, texts: Texts, locale: Locale): string {
  const words = texts.activity;
  let what = words.kinds[row.kind];
  if (row.decision) what = words.because(what, texts.account.programs.decision[row.decision]);
  if (row.kind === "token_refreshed" && row.expires_at) {
    what = words.until(what, clockWords(row.expires_at, now, locale));
  }
  const cause = causeOf(row, texts);
  if (cause !== null) what = words.because(what, cause);
  if (row.calls !== undefined && row.calls > 1) what = words.times(what, row.calls);
  return row.reason ? `${what} ${words.quoted(visible(row.reason))}` : what;
}

/** Why, where that is known: in words of ours or, for a rule that has none, in the agent's own. */
function causeOf({ kind, error, cause }: ActivityRow, texts: Texts): string | null {
  const known = texts.activity.causes;
  const plain = (word: string) => visible(word.replaceAll("_", " "));
  if (error) return known[error] ?? plain(cause ?? error);
  // The name of the program that was forgotten.
  if (cause && (kind === "grant_revoked" || kind === "grant_restored")) return visible(cause);
  return cause ? (known[cause] ?? plain(cause)) : null;
}

/** Who it was: a program as the system knows it, or Keybearer by itself. */
export function whoIt({ caller }: ActivityRow, texts: Texts): string {
  if (!caller) return texts.activity.keybearer;
  const { name, pid } = programOf(caller);
  const who = name === null ? texts.activity.unidentified : visible(name);
  return pid === null ? who : `${who} · ${texts.activity.process(pid)}`;
}

function programOf({ program, pid }: ActivityCaller): { name: string | null; pid: number | null } {
  return { name: program.name, pid: program.pid ?? pid ?? null };
}
