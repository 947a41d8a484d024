import type { Texts } from "../texts/en";
import type { Locale } from "../texts/texts.svelte";

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** A span in words of one or two units, rounded down: nothing looks good for longer than it is. */
export function spanWords(ms: number, { time }: Texts): string {
  if (ms < MINUTE_MS) return time.seconds(Math.max(0, Math.floor(ms / SECOND_MS)));
  if (ms < HOUR_MS) return time.minutes(Math.floor(ms / MINUTE_MS));
  const hours = Math.floor(ms / HOUR_MS);
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS);
  if (ms >= DAY_MS) return time.days(Math.floor(ms / DAY_MS));
  return minutes === 0 ? time.hours(hours) : `${time.hours(hours)} ${time.minutes(minutes)}`;
}

/** How long something took that was waited for. */
export function tookWords(ms: number, texts: Texts): string {
  if (ms < SECOND_MS) return texts.time.milliseconds(ms);
  return ms < MINUTE_MS ? texts.time.seconds(Math.round(ms / 100) / 10) : spanWords(ms, texts);
}

/** How long ago: up to a day in words, then as a date. */
export function agoWords(then: string, now: number, texts: Texts, locale: Locale): string {
  const past = now - Date.parse(then);
  if (past >= DAY_MS) return dateWords(then, locale);
  return past < MINUTE_MS ? texts.time.justNow : texts.time.ago(spanWords(past, texts));
}

/** The time on the clock, with the date where it isn't today's. */
export function clockWords(at: string, now: number, locale: Locale): string {
  const date = new Date(at);
  const clock = hourWords(at, locale);
  return date.toDateString() === new Date(now).toDateString() ? clock : `${dateWords(at, locale)} ${clock}`;
}

/** The time on the clock alone. */
export function hourWords(at: string | number, locale: Locale): string {
  return new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at));
}

export function dateWords(at: string, locale: Locale): string {
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" }).format(new Date(at));
}

/** The same to the second, for what happened. */
export function momentWords(at: string, now: number, locale: Locale): string {
  const date = new Date(at);
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium", hourCycle: "h23" }).format(date);
  return date.toDateString() === new Date(now).toDateString() ? clock : `${dateWords(at, locale)} ${clock}`;
}
