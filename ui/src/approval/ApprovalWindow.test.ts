import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PromptView } from "../backend";
import { FakeBackend } from "../testing/fakeBackend";
import { prompt } from "../testing/samples";
import ApprovalWindow from "./ApprovalWindow.svelte";

let now = 0;
beforeEach(() => {
  now = 1_000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
});
afterEach(() => vi.restoreAllMocks());

async function show(...waiting: PromptView[]): Promise<FakeBackend> {
  const backend = new FakeBackend();
  backend.waiting = waiting;
  render(ApprovalWindow, { backend });
  await screen.findByRole("alertdialog");
  return backend;
}

const button = (name: string) => screen.getByRole("button", { name });

test("the question names program and account, and has the focus", async () => {
  await show(prompt());
  expect(screen.getByRole("alertdialog", { name: "Let “cli.js” use linear-work?" })).toBeTruthy();
  expect(document.activeElement).toBe(screen.getByRole("heading", { level: 1 }));
});

test.each([
  ["Deny", "deny"],
  ["Once", "once"],
  ["While it runs", "while_running"],
  ["Always", "always"],
])("%s answers once the prompt was there for 600 ms, and not before", async (name, decision) => {
  const backend = await show(prompt());
  now += 599;
  await fireEvent.click(button(name));
  expect(backend.asked).toEqual([]);
  now += 1;
  await fireEvent.click(button(name));
  expect(backend.asked).toEqual([["answerPrompt", "p1", decision]]);
});

test("Esc denies, Enter does nothing", async () => {
  const backend = await show(prompt());
  now += 600;
  await fireEvent.keyDown(document.activeElement ?? window, { key: "Enter" });
  expect(backend.asked).toEqual([]);
  await fireEvent.keyDown(window, { key: "Escape" });
  expect(backend.asked).toEqual([["answerPrompt", "p1", "deny"]]);
});

test("the next prompt is deaf again, and the counter goes on", async () => {
  const backend = await show(prompt(), prompt({ prompt: "p2", profile: "notion" }));
  expect(screen.getByText("1 of 2")).toBeTruthy();
  now += 600;
  await fireEvent.click(button("Once"));
  expect(await screen.findByRole("alertdialog", { name: "Let “cli.js” use notion?" })).toBeTruthy();
  expect(screen.getByText("2 of 2")).toBeTruthy();
  await fireEvent.click(button("Always"));
  expect(backend.asked).toHaveLength(1);
});

test.each([
  ["others_can_change", "“Always” is off while other users can change this file."],
  ["changed", "“Always” is off because the file changed since you allowed it."],
  ["unidentified", "“Always” needs a program that can be identified."],
] as const)("with %s, Always is off with the reason in words, and nothing is accented", async (always_off, reason) => {
  const backend = await show(prompt({ always_off }));
  now += 600;
  const always = button("Always");
  expect(always.getAttribute("aria-disabled")).toBe("true");
  expect(screen.getByText(reason)).toBeTruthy();
  expect(document.querySelector(".primary")).toBeNull();
  await fireEvent.click(always);
  expect(backend.asked).toEqual([]);
});

test("a program that can’t be identified is called so, and letters that hide are written out", async () => {
  const { program } = prompt();
  await show(prompt({ program: { ...program, name: null, exe: null }, claimed_name: "safe\u202Etxt" }));
  expect(screen.getByRole("alertdialog", { name: "Let an unidentified program use linear-work?" })).toBeTruthy();
  expect(screen.getByText("It calls itself “safe\\u{202e}txt”. Anybody can claim that.")).toBeTruthy();
});

test("a prompt that is gone is not asked any more", async () => {
  const backend = await show(prompt());
  backend.waiting = [];
  backend.change();
  await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
});
