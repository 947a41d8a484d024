import type { ErrorObject } from "../backend";
import type { Texts } from "../texts/en";

export interface ProblemWords {
  what: string;
  meaning: string;
}

/** What happened and what it means: by the exact reason where it has words, else by the kind of error.
 * A word that is the reason of several kinds, such as a file and a connection that broke, is told apart by the kind. */
export function problemWords({ data }: ErrorObject, party: string, { problem }: Texts): ProblemWords {
  for (const key of [`${data.name}_${data.reason}`, data.reason, data.name]) {
    if (key && Object.hasOwn(problem.known, key)) {
      const words = problem.known[key as keyof typeof problem.known];
      return { what: words.what(party), meaning: words.meaning };
    }
  }
  return problem.unknown(party);
}
