import { createSubscriber } from "svelte/reactivity";

const PERIOD_MS = 15_000;

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, PERIOD_MS);
  return () => clearInterval(timer);
});

/** The time in milliseconds, for texts that count down. It ticks only while something on the screen reads it. */
export const clock = {
  get now(): number {
    subscribe();
    return Date.now();
  },
};
