import type { Span, Timeline } from "../backend";
import { HOUR_MS, hourWords } from "../shared/time";
import type { Texts } from "../texts/en";
import type { Locale } from "../texts/texts.svelte";

const AHEAD_MS = 2 * HOUR_MS;
const LABEL_HOURS = 6;
/** How near to the begin, whose label stands beside it, and to now no other label stands. */
const BEGIN_ROOM_MS = 4 * HOUR_MS;
const NOW_ROOM_MS = 2 * HOUR_MS;

/** A stretch on the axis, in percent of its length. */
export interface Stretch {
  left: number;
  width: number;
}

/** The axis of the drawing: a day back, two hours ahead. */
export class Axis {
  readonly #from: number;
  readonly #length: number;

  constructor(
    { since }: Timeline,
    readonly now: number,
  ) {
    this.#from = Date.parse(since);
    this.#length = Math.max(1, now + AHEAD_MS - this.#from);
  }

  /** Where a moment stands; one beyond an end stands at that end. */
  at(moment: string | number): number {
    const time = typeof moment === "string" ? Date.parse(moment) : moment;
    return Math.min(100, Math.max(0, ((time - this.#from) / this.#length) * 100));
  }

  over({ from, until }: Span): Stretch {
    const left = this.at(from);
    return { left, width: Math.max(0, this.at(until) - left) };
  }

  /** The begin, each six hours of the clock, and now. */
  labels(texts: Texts, locale: Locale): { at: number; text: string }[] {
    const labels = [{ at: 0, text: hourWords(this.#from, locale) }];
    const hour = new Date(this.#from);
    hour.setMinutes(0, 0, 0);
    for (; hour.getTime() < this.now - NOW_ROOM_MS; hour.setHours(hour.getHours() + 1)) {
      if (hour.getHours() % LABEL_HOURS !== 0 || hour.getTime() < this.#from + BEGIN_ROOM_MS) continue;
      labels.push({ at: this.at(hour.getTime()), text: hourWords(hour.getTime(), locale) });
    }
    return [...labels, { at: this.at(this.now), text: texts.timeline.now }];
  }
}

/** The drawing in one sentence, for those who don't see it. */
export function timelineSentence(timeline: Timeline, texts: Texts, locale: Locale): string {
  const words = texts.timeline;
  const { valid, retried, asleep, next } = timeline;
  const clock = (at: string) => hourWords(at, locale);
  const parts = [];
  if (valid.length > 0) parts.push(words.tokens(valid.length));
  if (retried.length > 0) parts.push(words.retries(retried.length, retried.map(clock).join(", ")));
  const [sleep] = asleep;
  if (asleep.length > 1) parts.push(words.sleptOften(asleep.length));
  else if (sleep) parts.push(words.slept(clock(sleep.from), clock(sleep.until)));
  return parts.length === 0 ? words.none : words.sentence(parts, next && clock(next.from));
}
