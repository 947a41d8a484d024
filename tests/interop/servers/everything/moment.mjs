// What happens once; whoever waits for it in vain is told.
import { setTimeout as sleep } from 'node:timers/promises';

// Milliseconds: longer than anything here takes.
export const PATIENCE = 20_000;

export function moment(what) {
  let happen;
  const happened = new Promise((resolve) => (happen = resolve));
  return {
    happen,
    async wait() {
      const patience = new AbortController();
      const late = sleep(PATIENCE, 'late', { signal: patience.signal }).catch(() => undefined);
      const first = await Promise.race([happened, late]);
      patience.abort();
      if (first === 'late') throw new Error(`waited for ${what} in vain`);
    },
  };
}

// Waits until this is so.
export async function until(what, isSo) {
  const deadline = Date.now() + PATIENCE;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited for ${what} in vain`);
    await sleep(20);
  }
}
