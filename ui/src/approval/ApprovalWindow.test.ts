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

test("a window that was hidden is deaf from when it is shown", async () => {
  const backend = await show(prompt());
  now += 60_000;
  await fireEvent(document, new Event("visibilitychange"));
  now += 599;
  await fireEvent.keyDown(window, { key: "Escape" });
  expect(backend.asked).toEqual([]);
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

test("of a container or a remote host is said that nobody can check it, and it gets one token at most", async () => {
  const backend = await show(prompt({ kind: "restricted", always_off: "restricted" }));
  now += 600;
  expect(screen.getByRole("alertdialog", { name: "Let a container or a remote host use linear-work?" })).toBeTruthy();
  expect(screen.getByText(/unverified/)).toBeTruthy();
  await fireEvent.click(button("While it runs"));
  await fireEvent.click(button("Always"));
  expect(backend.asked).toEqual([]);
  await fireEvent.click(button("Once"));
  expect(backend.asked).toEqual([["answerPrompt", "p1", "once"]]);
});

test("of a command that is about to be started is said for how long it gets tokens", async () => {
  await show(prompt({ kind: "run" }));
  expect(screen.getByText(/as long as it runs/)).toBeTruthy();
});

test("however long the names are, title, chain and reason stay short, and the warnings come first", async () => {
  const { program } = prompt();
  const chain = Array.from({ length: 30 }, (_, at) => ({ pid: at, name: `p${at}`, remembered: at === 28 }));
  const name = `${"n".repeat(200)}.js`;
  const long = { ...program, name, chain, others_can_change: true };
  await show(prompt({ profile: "a".repeat(200), program: long, always_off: "others_can_change" }));
  const title = screen.getByRole("heading", { level: 1 });
  expect(title.textContent?.trim().length).toBeLessThan(70);
  expect(screen.getAllByRole("listitem").map((row) => row.textContent?.trim())).toEqual([
    "p0 0",
    "…",
    "p28 28",
    "p29 29",
  ]);
  const warning = screen.getByText("Other users can change this file");
  const facts = document.querySelector("dl") as HTMLElement;
  expect(warning.compareDocumentPosition(facts) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  expect(screen.queryByText("File check")).toBeNull();
});

test("of a process without a name is said that it’s unknown", async () => {
  const { program } = prompt();
  const chain = [{ pid: 51_877, name: "?", remembered: true }];
  const unknown = { ...program, name: null, exe: null, script: null, chain, confidence: "unknown" as const };
  await show(prompt({ program: unknown, always_off: "unidentified" }));
  expect(screen.getByRole("listitem").textContent).toContain("Unknown");
  expect(screen.queryByText("File check")).toBeNull();
  expect(screen.getByText("The system didn’t say which file this is")).toBeTruthy();
});

test("Esc held down denies one prompt only", async () => {
  const backend = await show(prompt(), prompt({ prompt: "p2", profile: "notion" }));
  now += 600;
  await fireEvent.keyDown(window, { key: "Escape" });
  await screen.findByRole("alertdialog", { name: "Let “cli.js” use notion?" });
  now += 600;
  await fireEvent.keyDown(window, { key: "Escape", repeat: true });
  expect(backend.asked).toEqual([["answerPrompt", "p1", "deny"]]);
});

test("a prompt that is gone is not asked any more", async () => {
  const backend = await show(prompt());
  backend.waiting = [];
  backend.change();
  await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
});
