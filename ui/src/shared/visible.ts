/** A stranger's text with everything that would hide, reorder or break its letters written out, such as `\u{202e}`. */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu,
    (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`,
  );
}

/** A path that keeps its beginning and its file name, and loses what lies between. */
export function shortened(path: string, limit: number): string {
  const letters = [...path];
  if (letters.length <= limit) return path;
  const end = Math.ceil((limit - 1) * 0.6);
  return `${letters.slice(0, limit - 1 - end).join("")}…${letters.slice(-end).join("")}`;
}
