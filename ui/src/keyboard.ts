import type { AccountAction } from "./account/actions";

/** What a key asks the whole window for; what concerns one account is done to the one that is shown. */
export type Command =
  | "palette"
  | "search"
  | "add"
  | "lock"
  | "undo"
  | "settings"
  | "keys"
  | "other_pane"
  | "leave"
  | Extract<AccountAction, "overview" | "use" | "programs" | "activity" | "refresh" | "test" | "copy_command">;

/** Every key of the window, as people write it; the first of several is the one that is shown. */
export const keysOf: Record<Command, readonly [string, ...string[]]> = {
  palette: ["Ctrl K"],
  search: ["Ctrl F", "/"],
  add: ["Ctrl N"],
  refresh: ["Ctrl R"],
  test: ["Ctrl T"],
  copy_command: ["Ctrl Shift C"],
  overview: ["Ctrl 1"],
  use: ["Ctrl 2"],
  programs: ["Ctrl 3"],
  activity: ["Ctrl 4"],
  undo: ["Ctrl Z"],
  lock: ["Ctrl L"],
  settings: ["Ctrl ,"],
  keys: ["Ctrl ?"],
  other_pane: ["F6"],
  leave: ["Esc"],
};

const commands = new Map(
  Object.entries(keysOf).flatMap(([command, all]) => all.map((keys) => [keys, command as Command])),
);

/** Reads a key press. Keys without Ctrl or ⌘, and Ctrl Z, belong to a field that has the focus. */
export function commandOf(event: KeyboardEvent): Command | null {
  if (event.isComposing || event.altKey) return null;
  const key = event.key === "Escape" ? "Esc" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const isLetter = /^\p{L}$/u.test(key);
  // Of the other keys, Shift is how many layouts write them.
  const shift = event.shiftKey && (isLetter || key.length > 1) ? "Shift " : "";
  const control = event.ctrlKey || event.metaKey ? "Ctrl " : "";
  const command = commands.get(`${control}${shift}${key}`) ?? null;
  const typing = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
  return typing && (command === "undo" || key === "/") ? null : command;
}

/** Keys as this computer's keyboard has them: where there is ⌘, that. */
export function written(keys: string, platform = navigator.platform): string {
  if (!/^Mac/.test(platform)) return keys;
  return keys.replace("Ctrl ", "⌘ ").replace("Shift ", "⇧ ");
}
