import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { expect, test } from "vitest";
import type { ClientView } from "../backend";
import { FakeBackend } from "../testing/fakeBackend";
import { entry, failure, mcpClient } from "../testing/samples";
import { Undoing } from "../undo/undoing.svelte";
import UseItFrom from "./UseItFrom.svelte";

const claude = mcpClient();
const codex = mcpClient({ client: "codex", name: "Codex", modes: [{ mode: "bridge", why: "" }] });
const zed = mcpClient({ client: "zed", name: "Zed", installed: false });

async function show(...clients: ClientView[]) {
  const backend = new FakeBackend();
  backend.mcpClients = clients;
  const undoing = new Undoing();
  render(UseItFrom, { backend, profile: "linear-work", undoing });
  await screen.findByRole("tablist");
  return { backend, undoLast: () => undoing.undo() };
}

const click = (name: string) => fireEvent.click(screen.getByRole("button", { name }));
const tab = (name: RegExp) => screen.getByRole("tab", { name });

test("what would be written is shown first, and Install writes just that", async () => {
  const { backend } = await show(claude);
  expect(await screen.findByText(/^-.*Bearer ••••••••/)).toBeTruthy();
  expect(screen.getByText("+1 −3")).toBeTruthy();
  expect(screen.getByText(/stored in this file in plain text: Authorization/)).toBeTruthy();
  expect(backend.asked).toEqual([]);
  await click("Install");
  expect(await screen.findByText("Claude Code uses linear-work now.")).toBeTruthy();
  expect(screen.getByText("/home/ada/.claude.json.keybearer-backup")).toBeTruthy();
  expect(backend.asked).toEqual([["install", "claude-code linear-work helper"]]);
  expect(screen.queryByRole("button", { name: "Install" })).toBeNull();
  expect(tab(/Claude Code/).textContent).toContain("Installed");
});

test("what was installed last is taken back, and nothing twice", async () => {
  const { backend, undoLast } = await show(claude);
  undoLast();
  await screen.findByRole("button", { name: "Install" });
  expect(backend.asked).toEqual([]);
  await click("Install");
  await screen.findByText("Claude Code uses linear-work now.");
  undoLast();
  expect(await screen.findByText("Taken back from Claude Code.")).toBeTruthy();
  expect(screen.getByText(/byte for byte/)).toBeTruthy();
  undoLast();
  expect(backend.asked.slice(1)).toEqual([["undoInstall", "claude-code", "receipt of claude-code"]]);
  expect(await screen.findByRole("button", { name: "Install" })).toBeTruthy();
});

test("what was installed long ago can be taken back, what somebody wrote by hand can’t", async () => {
  const use = { mode: "bridge" as const, profile: "linear-work", known: true };
  const long = mcpClient({ entries: [entry({ keybearer: { ...use, receipt: "r1" } })] });
  const { backend } = await show(long, { ...codex, entries: [entry({ keybearer: { ...use, receipt: null } })] });
  await click("Undo");
  expect(backend.asked).toEqual([["undoInstall", "claude-code", "r1"]]);
  await fireEvent.click(tab(/Codex/));
  expect(await screen.findByText(/written by hand/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Undo" })).toBeNull();
});

test("another way shows another change, and is what is written then", async () => {
  const { backend } = await show(claude);
  await screen.findByText(/asks Keybearer for a fresh header/);
  await click("Use the bridge instead");
  expect(await screen.findByText(/starts the Keybearer bridge/)).toBeTruthy();
  expect(screen.getByText("keybearer install claude-code linear-work --mode bridge")).toBeTruthy();
  await click("Install");
  await screen.findByText("Claude Code uses linear-work now.");
  expect(backend.asked).toEqual([["install", "claude-code linear-work bridge"]]);
});

test("a file that has changed since is looked at again before anything is written", async () => {
  const { backend } = await show(claude);
  await screen.findByRole("button", { name: "Install" });
  backend.failures = { install: failure("client_file_changed") };
  await click("Install");
  expect(await screen.findByText("The file of Claude Code has changed since you looked.")).toBeTruthy();
  backend.failures = {};
  await click("Look again");
  expect(screen.queryByText(/has changed since you looked/)).toBeNull();
  expect(await screen.findByRole("button", { name: "Install" })).toBeTruthy();
});

test("a file that can’t be read offers nothing to install", async () => {
  const problems = [{ reason: "broken", message: "a comma is missing" }];
  const { backend } = await show({ ...codex, problems }, claude);
  backend.failures = { previewInstall: failure("configuration_broken", "broken") };
  await fireEvent.click(tab(/Claude Code/));
  await fireEvent.click(tab(/Codex/));
  expect(tab(/Codex/).textContent).toContain("File can’t be read");
  expect(await screen.findByText("The file of Codex can’t be read as it is.")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Install" })).toBeNull();
});

test("clients that aren’t here come last and are given no file", async () => {
  await show(zed, claude);
  expect(screen.getAllByRole("tab").map((one) => one.querySelector("[translate]")?.textContent)).toEqual([
    "Claude Code",
    undefined,
    "Zed",
  ]);
  await fireEvent.click(tab(/Zed/));
  expect(screen.getByText("Zed isn’t on this computer")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Install" })).toBeNull();
});

test("arrows go through the list, past its ends, and the view belongs to the tab", async () => {
  await show(claude, codex);
  const list = screen.getByRole("tablist");
  await fireEvent.keyDown(list, { key: "ArrowUp" });
  expect(document.activeElement).toBe(tab(/Shell/));
  expect(screen.getByText("keybearer token linear-work")).toBeTruthy();
  await fireEvent.keyDown(list, { key: "ArrowDown" });
  expect(document.activeElement).toBe(tab(/Claude Code/));
  expect(screen.getAllByRole("tab").filter((one) => one.tabIndex === 0)).toEqual([tab(/Claude Code/)]);
  const panel = screen.getByRole("tabpanel", { name: /Claude Code/ });
  await waitFor(() => expect(within(panel).getByRole("button", { name: "Install" })).toBeTruthy());
});
