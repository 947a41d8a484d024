import type { ActivityFilter, ActivityRow, Backend, ErrorObject } from "../backend";
import { asError } from "../shared/attempt.svelte";

/** The record of activity as it grows, the newest row first. */
export interface Following {
  readonly rows: ActivityRow[] | null;
  /** Whether there are older rows. */
  readonly more: boolean;
  readonly error: ErrorObject | null;
  /** Adds the page before. */
  older(): Promise<void>;
}

/** Reads the last rows and then those that come, as long as the component that calls this is on the screen. `most` is how many are kept where older ones aren't looked at. */
export function following(backend: () => Backend, filter: () => ActivityFilter, most = Infinity): Following {
  let rows = $state.raw<ActivityRow[] | null>(null);
  let more = $state.raw(false);
  let error = $state.raw<ErrorObject | null>(null);
  let current = $state.raw<ActivityFilter>({});

  $effect(() => {
    const wanted = filter();
    const agent = backend();
    let alive = true;
    let wake: (() => void) | null = null;
    current = wanted;
    rows = null;
    more = false;

    async function follow() {
      const page = await agent.activity(wanted, null);
      if (!alive) return;
      let seen = page.newest;
      rows = page.rows.slice(0, most);
      more = page.more || page.rows.length > most;
      error = null;
      while (alive) {
        const news = await agent.followActivity(wanted, seen);
        if (!alive) return;
        // A smaller number is that of a record that has begun again.
        const kept: ActivityRow[] = news.seen < seen ? [] : (rows ?? []);
        seen = news.seen;
        if (news.rows.length > 0) rows = [...news.rows.toReversed(), ...kept].slice(0, Math.max(most, kept.length));
      }
    }

    async function keepFollowing() {
      while (alive) {
        try {
          await follow();
        } catch (cause) {
          if (!alive) return;
          error = asError(cause);
          // An agent that comes back, or is unlocked, is news.
          await new Promise<void>((resolve) => (wake = resolve));
        }
      }
    }

    const stop = agent.onChanged(() => wake?.());
    void keepFollowing();
    return () => {
      alive = false;
      wake?.();
      stop();
    };
  });

  return {
    get rows() {
      return rows;
    },
    get more() {
      return more;
    },
    get error() {
      return error;
    },
    async older() {
      const wanted = current;
      const last = rows?.at(-1);
      if (!last) return;
      const page = await backend().activity(wanted, last.number);
      // The filter may be another by now.
      if (wanted !== current || rows === null) return;
      rows = [...rows, ...page.rows];
      more = page.more;
    },
  };
}
