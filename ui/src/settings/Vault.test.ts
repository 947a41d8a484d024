import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import { FakeBackend } from "../testing/fakeBackend";
import { agentStatus, failure } from "../testing/samples";
import Vault from "./Vault.svelte";

async function show() {
  const [backend, onchanged] = [new FakeBackend(), vi.fn(() => Promise.resolve())];
  render(Vault, { backend, agent: agentStatus({ vault_kind: "keyring" }), onchanged });
  expect(screen.getByText("System keyring")).toBeTruthy();
  await fireEvent.click(screen.getByRole("button", { name: "Move…" }));
  const dialog = within(await screen.findByRole("dialog"));
  const move = dialog.getByRole<HTMLButtonElement>("button", { name: "Move" });
  return { backend, onchanged, dialog, move };
}

test("everything moves to a sealed file, whose key the keyring has", async () => {
  const { backend, onchanged, move } = await show();
  await fireEvent.click(move);
  await waitFor(() => expect(onchanged).toHaveBeenCalled());
  expect(backend.asked).toEqual([["moveVault", "sealed_by_keyring", null]]);
  expect(screen.queryByRole("dialog")).toBeNull();
});

test("a new passphrase is typed twice, and what goes wrong is told in the dialog", async () => {
  const { backend, dialog, move } = await show();
  await fireEvent.click(dialog.getByRole("radio", { name: "Sealed file with passphrase" }));
  const [first, again] = [dialog.getByLabelText("New passphrase"), dialog.getByLabelText("The same again")];
  expect(move.disabled).toBe(true);
  await fireEvent.input(first, { target: { value: "correct horse" } });
  await fireEvent.input(again, { target: { value: "correct hors" } });
  expect(dialog.getByText("The two differ.")).toBeTruthy();
  expect(move.disabled).toBe(true);

  await fireEvent.input(again, { target: { value: "correct horse" } });
  backend.failures = { moveVault: failure("storage_full") };
  await fireEvent.click(move);
  expect((await dialog.findByRole("alert")).textContent).toContain("There is no room left");
  backend.failures = {};
  await fireEvent.click(move);
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(backend.asked.at(-1)).toEqual(["moveVault", "sealed_by_passphrase", "correct horse"]);
});
