import type { AccountStatus, AccountView, AuthPhase } from "../backend";
import { DAY_MS, dateWords, HOUR_MS, MINUTE_MS } from "../shared/time";
import type { Texts } from "../texts/en";
import type { Locale } from "../texts/texts.svelte";

/** The states of an account, and that of the machine it runs on. */
export type Shown = AccountStatus | "offline";

/** The state that is shown: without a network, those that wait for nothing but it are offline. */
export function shownOf(account: AccountView, offline: boolean): Shown {
  const waits = account.status === "connected" || account.status === "unreachable";
  return offline && waits && !isOnThisComputer(account.server_url) ? "offline" : account.status;
}

/** What stands under the account's name: its state, and how long it lasts where that is known. */
export function statusWords(
  account: AccountView,
  now: number,
  texts: Texts,
  locale: Locale,
  shown: Shown = account.status,
  phase: AuthPhase = "none",
): string {
  const { expiry } = texts;
  const plain = shown === "offline" ? expiry.offline : texts.status[shown];
  if (shown === "signing_in" && phase === "waiting_for_browser") return expiry.waitingForBrowser;
  if (shown === "signing_in" && phase === "finishing") return expiry.gettingTokens;
  if (shown === "unreachable") {
    const since = now - Date.parse(account.unreachable_since ?? "");
    return since >= MINUTE_MS ? expiry.unreachableFor(coarse(since, texts)) : plain;
  }
  if (shown !== "connected" && shown !== "expiring" && shown !== "offline") return plain;

  const [left, until, forGood] = {
    connected: [expiry.connectedFor, expiry.connectedUntil, expiry.connectedForGood] as const,
    offline: [expiry.offlineFor, expiry.offlineUntil, expiry.offlineForGood] as const,
    expiring: [expiry.expiresIn, expiry.expiresOn, plain] as const,
  }[shown];
  if (account.expires_at === null) return isFixedKey(account) ? forGood : plain;
  const ms = Date.parse(account.expires_at) - now;
  // A token in its last minute, or past its end, is about to be renewed or told apart by the agent: promise no time.
  if (!(ms >= MINUTE_MS)) return plain;
  return ms < DAY_MS ? left(coarse(ms, texts)) : until(dateWords(account.expires_at, locale));
}

/** Whether the user has to do something about an account in this state. */
export function needsUser(status: AccountStatus): boolean {
  return (
    status === "signing_in" || status === "expiring" || status === "needs_sign_in" || status === "needs_more_access"
  );
}

/** Whether the account's credential was made elsewhere and ends only there. */
export function isFixedKey({ auth }: Pick<AccountView, "auth">): boolean {
  return auth === "bearer" || auth === "header" || auth === "basic";
}

function isOnThisComputer(url: string): boolean {
  const name = URL.parse(url)?.hostname ?? "";
  return name === "localhost" || name === "[::1]" || name.startsWith("127.");
}

// Rounded down: an account never looks good for longer than it is.
function coarse(ms: number, { time }: Texts): string {
  return ms < HOUR_MS ? time.minutes(Math.floor(ms / MINUTE_MS)) : time.hours(Math.floor(ms / HOUR_MS));
}
