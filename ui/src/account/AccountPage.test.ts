import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import type { AccountDetail } from "../backend";
import { FakeBackend } from "../testing/fakeBackend";
import { account, failure, grant, inMinutes } from "../testing/samples";
import AccountPage from "./AccountPage.svelte";

async function show(different: Partial<AccountDetail> = {}) {
  const backend = new FakeBackend();
  backend.list = [account()];
  backend.details["linear-work"] = different;
  backend.programs = [grant(), grant({ grant: "g2", program: "npm", decision: "deny" })];
  const calls = { onsignin: vi.fn(), onregister: vi.fn(), onrenamed: vi.fn(), onremoved: vi.fn() };
  render(AccountPage, { backend, profile: "linear-work", ...calls });
  await screen.findByRole("heading", { level: 1 });
  return { backend, ...calls };
}

const click = (name: string) => fireEvent.click(screen.getByRole("button", { name }));

async function choose(item: string) {
  await click("More actions");
  await fireEvent.click(screen.getByRole("menuitem", { name: item }));
  return within(screen.getByRole("dialog"));
}

test("a healthy account says how long its token lasts and asks for nothing", async () => {
  await show({ expires_at: inMinutes(42.5) });
  expect(screen.getByText("42 min")).toBeTruthy();
  expect(document.querySelector(".primary")).toBeNull();
});

test("a sign-in that ended says what it means and begins again", async () => {
  const last_error = failure("auth_required", "token_refused");
  const { onsignin } = await show({ status: "needs_sign_in", last_error });
  expect(screen.getByRole("alert").textContent).toContain("The sign-in service ended this sign-in");
  await click("Sign in again");
  expect(onsignin).toHaveBeenCalledWith(true);
});

test("a test says what it found", async () => {
  const { backend } = await show();
  await click("Test connection");
  expect(backend.asked).toEqual([["testAccount", "linear-work"]]);
  expect(await screen.findByText("The connection works.")).toBeTruthy();
});

test("removing and signing out are asked about first", async () => {
  const { backend, onremoved } = await show();
  const signOut = await choose("Sign out…");
  await fireEvent.click(signOut.getByRole("button", { name: "Cancel" }));
  const remove = await choose("Remove…");
  expect(backend.asked).toEqual([]);
  await fireEvent.click(remove.getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(onremoved).toHaveBeenCalledOnce());
  expect(backend.asked).toEqual([["removeAccount", "linear-work"]]);
});

test("access is changed where it differs, and no secret stays", async () => {
  const { backend } = await show({ registration: "pre_registered", client_id: "old" });
  await click("Change…");
  const dialog = within(screen.getByRole("dialog"));
  const secret = dialog.getByLabelText<HTMLInputElement>("Client secret");
  await fireEvent.input(dialog.getByLabelText("Client ID"), { target: { value: "new" } });
  await fireEvent.input(secret, { target: { value: "s3cret" } });
  await fireEvent.submit(secret.form as HTMLFormElement);
  expect(secret.value).toBe("");
  expect(backend.asked).toEqual([
    ["updateAccount", { profile: "linear-work", client_id: "new", scopes: null, secret: "s3cret" }],
  ]);
});

test("a key that doesn’t expire can be replaced, and offers no refresh", async () => {
  await show({ auth: "bearer", renewable: false });
  expect(screen.getByText(/This key doesn’t expire by itself/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Refresh now" })).toBeNull();
  await click("Change…");
  expect(screen.getByRole("button", { name: "Replace key" })).toBeTruthy();
});

test("an answer to a program is taken back", async () => {
  const { backend } = await show();
  await fireEvent.click(await screen.findByRole("button", { name: "Ask again for npm" }));
  await waitFor(() => expect(screen.queryByText("npm")).toBeNull());
  expect(backend.asked).toEqual([["revokeGrant", "g2"]]);
});
