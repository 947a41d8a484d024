import { createSubscriber } from "svelte/reactivity";

function ticking(periodMs: number) {
  const subscribe = createSubscriber((update) => {
    const timer = setInterval(update, periodMs);
    return () => clearInterval(timer);
  });
  return () => {
    subscribe();
    return Date.now();
  };
}

const now = ticking(15_000);
const second = ticking(1_000);

/** The time in milliseconds, for texts that tell it. A clock ticks only while something on the screen reads it. */
export const clock = {
  /** For minutes. */
  get now(): number {
    return now();
  },
  /** For seconds, as in a countdown. */
  get second(): number {
    return second();
  },
};
