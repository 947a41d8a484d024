import type { AccountStatus, AccountView } from "../backend";
import type { Locale } from "../texts/texts.svelte";
import type { Texts } from "../texts/en";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** What stands under the account's name: its state, and how long it lasts where that is known. */
export function statusWords(account: AccountView, now: number, texts: Texts, locale: Locale): string {
  const { status, expires_at } = account;
  const plain = texts.status[status];
  if (expires_at === null || (status !== "connected" && status !== "expiring")) return plain;

  const end = Date.parse(expires_at);
  const left = end - now;
  // A token in its last minute, or past its end, is about to be renewed or told apart by the agent: promise no time.
  if (!(left >= MINUTE_MS)) return plain;

  const { connectedFor, connectedUntil, expiresIn, expiresOn } = texts.expiry;
  if (left < DAY_MS) return (status === "connected" ? connectedFor : expiresIn)(duration(left, texts));
  const date = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" }).format(end);
  return (status === "connected" ? connectedUntil : expiresOn)(date);
}

/** Whether the user has to do something about an account in this state. */
export function needsUser(status: AccountStatus): boolean {
  return status === "signing_in" || status === "expiring" || status === "needs_sign_in";
}

// Rounded down: an account never looks good for longer than it is.
function duration(ms: number, texts: Texts): string {
  return ms < HOUR_MS ? texts.expiry.minutes(Math.floor(ms / MINUTE_MS)) : texts.expiry.hours(Math.floor(ms / HOUR_MS));
}
