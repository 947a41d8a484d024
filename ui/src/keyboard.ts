/** What a key asks the whole window for. */
export type Command =
  | "add"
  | "search"
  | "lock"
  | "settings"
  | "refresh"
  | "test"
  | "leave"
  | "other_pane"
  | "undo"
  | "overview"
  | "use_from";

/** Reads a key press. Keys without Ctrl or ⌘ belong to a field that has the focus. */
export function commandOf(event: KeyboardEvent): Command | null {
  if (event.isComposing || event.altKey) return null;
  const typing = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
  // On many layouts "/" takes Shift.
  if (event.key === "/" && !event.ctrlKey && !event.metaKey) return typing ? null : "search";
  if (event.shiftKey) return null;
  if (event.ctrlKey || event.metaKey) {
    // A field has an undo of its own.
    if (typing && event.key.toLowerCase() === "z") return null;
    const commands: Record<string, Command> = {
      n: "add",
      f: "search",
      l: "lock",
      ",": "settings",
      r: "refresh",
      t: "test",
      z: "undo",
      1: "overview",
      2: "use_from",
    };
    return commands[event.key.toLowerCase()] ?? null;
  }
  if (event.key === "F6") return "other_pane";
  return event.key === "Escape" ? "leave" : null;
}
