import { expect, test } from "vitest";
import { commandOf, keysOf, written, type Command } from "./keyboard";

function pressed(key: string, held: KeyboardEventInit = {}): Command | null {
  return commandOf(new KeyboardEvent("keydown", { key, ...held }));
}

test("every key that the list shows is the one that does it", () => {
  for (const [command, all] of Object.entries(keysOf)) {
    for (const keys of all) {
      const parts = keys.split(" ");
      const key = parts.at(-1) === "Esc" ? "Escape" : (parts.at(-1) ?? "");
      const held = { ctrlKey: parts.includes("Ctrl"), shiftKey: parts.includes("Shift") };
      expect(pressed(key.toLowerCase().length === 1 ? key.toLowerCase() : key, held), keys).toBe(command);
    }
  }
});

test("Shift counts with letters, and with other keys is how a layout writes them", () => {
  expect(pressed("C", { ctrlKey: true, shiftKey: true })).toBe("copy_command");
  expect(pressed("c", { ctrlKey: true })).toBeNull();
  expect(pressed("L", { ctrlKey: true, shiftKey: true })).toBeNull();
  expect(pressed("1", { ctrlKey: true, shiftKey: true })).toBe("overview");
  expect(pressed("?", { ctrlKey: true, shiftKey: true })).toBe("keys");
});

test("⌘ is Ctrl, and Alt and an input method have their keys to themselves", () => {
  expect(pressed("k", { metaKey: true })).toBe("palette");
  expect(pressed("k", { ctrlKey: true, altKey: true })).toBeNull();
  expect(pressed("k", { ctrlKey: true, isComposing: true })).toBeNull();
});

test("keys are written as this computer's keyboard has them", () => {
  expect(written("Ctrl Shift C", "MacIntel")).toBe("⌘ ⇧ C");
  expect(written("Ctrl Shift C", "Linux x86_64")).toBe("Ctrl Shift C");
});
