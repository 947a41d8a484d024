/** What a key asks the whole window for. */
export type Command = "add" | "search" | "lock" | "settings" | "refresh" | "test" | "leave" | "other_pane";

/** Reads a key press. Keys without Ctrl or ⌘ belong to a field that has the focus. */
export function commandOf(event: KeyboardEvent): Command | null {
  if (event.altKey || event.shiftKey) return null;
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
  if (event.key === "Escape") return "leave";
  const typing = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
  return event.key === "/" && !typing ? "search" : null;
}
