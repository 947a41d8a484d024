import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import { FakeBackend } from "../testing/fakeBackend";
import { failure } from "../testing/samples";
import LockedPage from "./LockedPage.svelte";

function show(wantsPassphrase: boolean) {
  const [backend, onunlocked] = [new FakeBackend(), vi.fn()];
  render(LockedPage, { backend, waiting: 0, wantsPassphrase, onunlocked });
  return { backend, onunlocked };
}

const unlock = () => screen.getByRole<HTMLButtonElement>("button", { name: "Unlock" });

test("where the keyring has all, one press unlocks", async () => {
  const { backend, onunlocked } = show(false);
  expect(screen.queryByLabelText("Passphrase of the vault")).toBeNull();
  await fireEvent.click(unlock());
  await waitFor(() => expect(onunlocked).toHaveBeenCalled());
  expect(backend.asked).toEqual([["unlock", null]]);
});

test("a vault with a passphrase asks for it, and a wrong one is told and gone from the page", async () => {
  const { backend, onunlocked } = show(true);
  const field = screen.getByLabelText<HTMLInputElement>("Passphrase of the vault");
  expect(field.type).toBe("password");
  expect(unlock().disabled).toBe(true);

  backend.failures = { unlock: failure("agent_locked", "wrong_passphrase") };
  await fireEvent.input(field, { target: { value: "wrong horse" } });
  await fireEvent.click(unlock());
  expect((await screen.findByRole("alert")).textContent).toContain("isn’t the passphrase");
  expect(field.value).toBe("");
  expect(document.activeElement).toBe(field);
  expect(onunlocked).not.toHaveBeenCalled();

  backend.failures = {};
  await fireEvent.input(field, { target: { value: "right horse" } });
  await fireEvent.click(unlock());
  await waitFor(() => expect(onunlocked).toHaveBeenCalled());
  expect(backend.asked).toEqual([
    ["unlock", "wrong horse"],
    ["unlock", "right horse"],
  ]);
});
