import type { ErrorObject } from "../backend";
import { asError } from "../shared/attempt.svelte";
import { SECOND_MS } from "../shared/time";

/** How long what was removed or revoked can be had back: the agent drops it then. */
export const WAY_BACK_MS = 30 * SECOND_MS;
const SAID_MS = 4 * SECOND_MS;
const MOST = 20;

/** Something that was done and can be taken back. */
export interface Done {
  /** What was done, in a sentence; null where the page says it itself. */
  what: string | null;
  /** How long it can be; absent for as long as the window is open. */
  withinMs?: number;
  /** Takes it back, and tells what to say then, if anything. */
  takeBack: () => Promise<string | null>;
}

/** What was done last and can be taken back, and the one sentence about it that is on the screen. */
export class Undoing {
  #done: Done[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saying = $state.raw<{ text: string; done: Done | null } | null>(null);
  #error = $state.raw<ErrorObject | null>(null);

  /** The sentence on the screen. */
  get text(): string | null {
    return this.#saying?.text ?? null;
  }

  /** Whether that of which it speaks can be taken back. */
  get open(): boolean {
    return this.#saying?.done != null;
  }

  /** Why the last could not be taken back. */
  get error(): ErrorObject | null {
    return this.#error;
  }

  /** Remembers what was done. The answer forgets it, where it was taken back on another road. */
  offer(done: Done): () => void {
    this.#done = [...this.#done, done].slice(-MOST);
    const { what, withinMs } = done;
    if (withinMs !== undefined) setTimeout(() => this.#drop(done), withinMs);
    if (what !== null) this.#show(what, done, withinMs);
    return () => this.#drop(done);
  }

  /** Says something for a moment. */
  say(text: string): void {
    this.#show(text, null, SAID_MS);
  }

  /** Takes back the last; without one, nothing. */
  async undo(): Promise<void> {
    const last = this.#done.at(-1);
    if (!last) return;
    this.#drop(last);
    try {
      const text = await last.takeBack();
      if (text !== null) this.say(text);
    } catch (cause) {
      this.#error = asError(cause);
    }
  }

  /** Takes the sentence off the screen; what it speaks of can still be taken back. */
  dismiss(): void {
    clearTimeout(this.#timer);
    this.#saying = null;
    this.#error = null;
  }

  /** Nothing of it is known any more: behind the lock no name waits. */
  forget(): void {
    this.#done = [];
    this.dismiss();
  }

  #show(text: string, done: Done | null, forMs: number | undefined) {
    this.dismiss();
    this.#saying = { text, done };
    if (forMs !== undefined) this.#timer = setTimeout(() => this.dismiss(), forMs);
  }

  #drop(done: Done) {
    this.#done = this.#done.filter((one) => one !== done);
    if (this.#saying?.done === done) this.dismiss();
  }
}
