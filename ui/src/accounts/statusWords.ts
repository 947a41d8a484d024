import type { AccountStatus, AccountView } from "../backend";
import { DAY_MS, dateWords, HOUR_MS, MINUTE_MS } from "../shared/time";
import type { Texts } from "../texts/en";
import type { Locale } from "../texts/texts.svelte";

/** What stands under the account's name: its state, and how long it lasts where that is known. */
export function statusWords(account: AccountView, now: number, texts: Texts, locale: Locale): string {
  const { status, expires_at } = account;
  const plain = texts.status[status];
  if (status !== "connected" && status !== "expiring") return plain;
  if (expires_at === null) return status === "connected" && isFixedKey(account) ? texts.expiry.connectedForGood : plain;

  const left = Date.parse(expires_at) - now;
  // A token in its last minute, or past its end, is about to be renewed or told apart by the agent: promise no time.
  if (!(left >= MINUTE_MS)) return plain;

  const { connectedFor, connectedUntil, expiresIn, expiresOn } = texts.expiry;
  if (left < DAY_MS) return (status === "connected" ? connectedFor : expiresIn)(coarse(left, texts));
  const date = dateWords(expires_at, locale);
  return (status === "connected" ? connectedUntil : expiresOn)(date);
}

/** Whether the user has to do something about an account in this state. */
export function needsUser(status: AccountStatus): boolean {
  return status === "signing_in" || status === "expiring" || status === "needs_sign_in";
}

/** Whether the account's credential was made elsewhere and ends only there. */
export function isFixedKey({ auth }: Pick<AccountView, "auth">): boolean {
  return auth === "bearer" || auth === "header" || auth === "basic";
}

// Rounded down: an account never looks good for longer than it is.
function coarse(ms: number, { time }: Texts): string {
  return ms < HOUR_MS ? time.minutes(Math.floor(ms / MINUTE_MS)) : time.hours(Math.floor(ms / HOUR_MS));
}
