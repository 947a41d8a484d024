// One or two marks belong to a letter; a heap of them covers the lines around it.
const HEAPED_MARKS = /\p{M}{3,}/u;
// Nothing to see, or no letter at all. U+2800 is the Braille pattern without a dot.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;
const ODD_SPACE = /(?! )\p{Zs}/u;
// The blocks that Unicode keeps for scripts written from right to left: one letter turns its whole line around.
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const ODD = new RegExp([HEAPED_MARKS, UNSEEN, ODD_SPACE, RIGHT_TO_LEFT].map(({ source }) => source).join("|"), "gu");

/** A stranger's text with everything that would hide, reorder or break its letters written out, such as `\u{202e}`. */
export function visible(text: string): string {
  return text.replace(ODD, (odd) => [...odd].map((letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`).join(""));
}

/** A path that keeps its beginning and its file name, and loses what lies between. */
export function shortened(path: string, limit: number): string {
  const letters = [...path];
  if (letters.length <= limit) return path;
  const end = Math.ceil((limit - 1) * 0.6);
  return `${letters.slice(0, limit - 1 - end).join("")}…${letters.slice(-end).join("")}`;
}
