import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { FakeBackend } from "../testing/fakeBackend";
import { account, entry, failure, mcpClient } from "../testing/samples";
import { Undoing } from "../undo/undoing.svelte";
import InstallSeveral from "./InstallSeveral.svelte";

async function show() {
  const backend = new FakeBackend();
  backend.mcpClients = [
    mcpClient({ entries: [entry({ server_url: "https://mcp.linear.app/mcp/" })] }),
    mcpClient({ client: "cursor", name: "Cursor" }),
    mcpClient({ client: "zed", name: "Zed", installed: false }),
  ];
  render(InstallSeveral, { backend, undoing: new Undoing(), account: account() });
  await screen.findByRole("checkbox", { name: "Claude Code" });
  return backend;
}

const box = (name: string) => screen.getByRole<HTMLInputElement>("checkbox", { name });
const click = (name: string) => fireEvent.click(screen.getByRole("button", { name }));

test("chosen at first is who has the server already, and who isn’t here isn’t offered", async () => {
  await show();
  expect([box("Claude Code").checked, box("Cursor").checked]).toEqual([true, false]);
  expect(screen.queryByRole("checkbox", { name: "Zed" })).toBeNull();
  expect(screen.getByRole("button", { name: "Install for 1 client" })).toBeTruthy();
});

test("a preview writes nothing, and what it has shown is what is installed", async () => {
  const backend = await show();
  await click("Preview for Cursor");
  expect(await screen.findByText(/headersHelper/)).toBeTruthy();
  expect(backend.asked).toEqual([]);
  await fireEvent.click(box("Cursor"));
  await click("Install for 2 clients");
  await waitFor(() => expect(backend.asked.length).toBe(2));
  expect(backend.asked).toEqual([
    ["install", "claude-code linear-work helper"],
    ["install", "cursor linear-work helper"],
  ]);
  await waitFor(() => expect(screen.getByRole("button", { name: "Undo for Cursor" }).matches(":enabled")).toBe(true));
  await click("Undo for Cursor");
  expect(backend.asked[2]).toEqual(["undoInstall", "cursor", "receipt of cursor"]);
});

test("a failure with one client is told there", async () => {
  const backend = await show();
  backend.failures = { install: failure("client_file_changed") };
  await click("Install for 1 client");
  expect(await screen.findByText("The file of Claude Code has changed since you looked.")).toBeTruthy();
  expect(box("Claude Code").disabled).toBe(false);
});
