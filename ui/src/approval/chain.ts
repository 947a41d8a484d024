import type { ProcessView } from "../backend";

/** A process, or null for those that were left out. */
export type Link = ProcessView | null;

const MAX_ROWS = 4;

/** Who started whom in at most four rows: the first, the one that is remembered, the last, and one gap. */
export function shortChain(chain: ProcessView[]): Link[] {
  if (chain.length <= MAX_ROWS) return chain;
  const last = chain.length - 1;
  const remembered = chain.findIndex((process) => process.remembered);
  const kept = chain.map((_, at) => at).filter((at) => at === 0 || at === remembered || at === last);
  const gap = kept.findIndex((at, row) => at !== row);
  return kept.map((at): Link => chain[at] ?? null).toSpliced(gap, 0, null);
}
