import { untrack } from "svelte";
import type { Backend, ErrorObject } from "../backend";
import { asError } from "./attempt.svelte";
import { MINUTE_MS } from "./time";

/** Something that is read from the agent. What was read once stays on the screen while it is read again. */
export interface Reading<T> {
  readonly value: T | null;
  /** Why the last read failed, if it did. */
  readonly error: ErrorObject | null;
  read(): Promise<void>;
}

/** One read at a time: those asked for meanwhile become one more, so a burst of changes costs two reads. */
export function readingOf<T>(ask: () => Promise<T>): Reading<T> {
  let value = $state.raw<T | null>(null);
  let error = $state.raw<ErrorObject | null>(null);
  let running: Promise<void> | null = null;
  let again = false;

  async function readUntilCurrent(): Promise<void> {
    do {
      again = false;
      try {
        const answer = await ask();
        value = answer;
        error = null;
      } catch (cause) {
        error = asError(cause);
      }
    } while (again);
    running = null;
  }

  return {
    get value() {
      return value;
    },
    get error() {
      return error;
    },
    read() {
      if (running) again = true;
      else running = readUntilCurrent();
      return running;
    },
  };
}

/** The same, read now, after every change, and each minute that somebody may look, as long as the component that calls this is on the screen. */
export function followed<B extends Pick<Backend, "onChanged">, T>(
  backend: () => B,
  ask: (backend: B) => Promise<T>,
): Reading<T> {
  const reading = readingOf(() => ask(backend()));
  $effect(() => {
    const stop = backend().onChanged(() => void reading.read());
    void untrack(() => reading.read());
    // Time alone changes states too, and nobody reports that.
    const timer = setInterval(() => void (document.hidden || reading.read()), MINUTE_MS);
    return () => {
      clearInterval(timer);
      stop();
    };
  });
  return reading;
}
