/** What a key asks the whole window for. */
export type Command = "add" | "search" | "lock" | "settings" | "refresh" | "test" | "leave" | "other_pane";

/** Reads a key press. Keys without Ctrl or ⌘ belong to a field that has the focus. */
export function commandOf(event: KeyboardEvent): Command | null {
  if (event.isComposing || event.altKey) return null;
  const typing = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
  // On many layouts "/" takes Shift.
  if (event.key === "/" && !event.ctrlKey && !event.metaKey) return typing ? null : "search";
  if (event.shiftKey) return null;
  if (event.ctrlKey || event.metaKey) {
    const commands: Record<string, Command> = {
      n: "add",
      f: "search",
      l: "lock",
      ",": "settings",
      r: "refresh",
      t: "test",
    };
    return commands[event.key.toLowerCase()] ?? null;
  }
  if (event.key === "F6") return "other_pane";
  return event.key === "Escape" ? "leave" : null;
}
