import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import { FakeBackend } from "../testing/fakeBackend";
import { account, failure } from "../testing/samples";
import Transfer from "./Transfer.svelte";

function show(backend = new FakeBackend()) {
  backend.list = [account(), account({ profile: "notion" })];
  const onchanged = vi.fn(() => Promise.resolve());
  render(Transfer, { backend, onchanged, onclients: vi.fn() });
  return { backend, onchanged };
}

const press = (name: string) => fireEvent.click(screen.getByRole("button", { name }));
const write = (label: string, value: string) => fireEvent.input(screen.getByLabelText(label), { target: { value } });

test("servers are exported without asking for more than a file, and it says where they are", async () => {
  const { backend } = show();
  await press("Export servers…");
  expect((await screen.findByText(/accounts exported/)).parentElement?.textContent).toContain("/home/me/accounts.json");
  expect(backend.asked).toEqual([["exportServers", null]]);
});

test("whoever leaves the system's dialog has exported nothing, and is told nothing", async () => {
  const { backend } = show();
  backend.chosenFile = null;
  await press("Export servers…");
  await waitFor(() => expect(backend.asked).toHaveLength(1));
  expect(screen.queryByRole("status")).toBeNull();
});

test("sign-ins leave only with a passphrase that was typed twice, which is gone from the window then", async () => {
  const { backend } = show();
  await press("Export with sign-ins…");
  const choose = within(screen.getByRole("dialog")).getByRole<HTMLButtonElement>("button", { name: "Choose a file…" });
  expect(choose.disabled).toBe(true);
  await write("New passphrase", "correct horse");
  await write("The same again", "correct house");
  expect(screen.getByText("The two differ.")).toBeTruthy();
  expect(choose.disabled).toBe(true);
  await write("The same again", "correct horse");
  await fireEvent.click(choose);
  expect(await screen.findByText(/2 with what signs them in/)).toBeTruthy();
  expect(backend.asked).toEqual([["exportServers", "correct horse"]]);

  await press("Export with sign-ins…");
  expect(screen.getByLabelText<HTMLInputElement>("New passphrase").value).toBe("");
});

test("an export that fails says why in its dialog, which stays", async () => {
  const { backend } = show();
  backend.failures = { exportServers: failure("usage", "file_taken") };
  await press("Export with sign-ins…");
  await write("New passphrase", "correct horse");
  await write("The same again", "correct horse");
  await press("Choose a file…");
  expect((await within(screen.getByRole("dialog")).findByRole("alert")).textContent).toContain(
    "Something else has this name",
  );
});

test("a file is imported, and the accounts are read again", async () => {
  const { backend, onchanged } = show();
  backend.brought = { added: 2, names: ["a", "b"], signed_in: 0, known: 1 };
  await press("Import from a file…");
  expect((await screen.findByText(/2 accounts added/)).parentElement?.textContent).toContain("1 was here already");
  expect(onchanged).toHaveBeenCalledOnce();
});

test("a sealed file asks for its passphrase, as often as it takes", async () => {
  const { backend, onchanged } = show();
  backend.failures = {
    importServers: failure("usage", "file_sealed"),
    openImport: failure("usage", "file_unopened"),
  };
  await press("Import from a file…");
  const dialog = within(await screen.findByRole("dialog", { name: "This file has sign-ins" }));
  await write("Passphrase of the file", "wrong horse");
  await fireEvent.click(dialog.getByRole("button", { name: "Import" }));
  expect((await dialog.findByRole("alert")).textContent).toContain("doesn’t open the file");
  expect(onchanged).not.toHaveBeenCalled();

  backend.failures = {};
  await write("Passphrase of the file", "correct horse");
  await fireEvent.click(dialog.getByRole("button", { name: "Import" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(backend.asked.at(-1)).toEqual(["openImport", "correct horse"]);
  expect(onchanged).toHaveBeenCalledOnce();
});
