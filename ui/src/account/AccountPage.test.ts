import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import type { AccountDetail } from "../backend";
import { FakeBackend } from "../testing/fakeBackend";
import { account, failure, grant, inMinutes } from "../testing/samples";
import AccountPage from "./AccountPage.svelte";

async function show(different: Partial<AccountDetail> = {}, program = "cli.js") {
  const backend = new FakeBackend();
  backend.list = [account()];
  backend.details["linear-work"] = different;
  backend.programs = [grant({ program }), grant({ grant: "g2", program: "npm", decision: "deny" })];
  const calls = { onsignin: vi.fn(), onregister: vi.fn(), onrenamed: vi.fn(), onremoved: vi.fn(), onactivity: vi.fn() };
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

test("a server that wants more is named with what it wants, and a sign-in is offered", async () => {
  const { onsignin } = await show({ wanted_scopes: ["files:write"] });
  expect(screen.getByText(/needs: files:write/)).toBeTruthy();
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

test("a dialog gives the focus back to what opened it", async () => {
  await show();
  const dialog = await choose("Rename…");
  await fireEvent.click(dialog.getByRole("button", { name: "Cancel" }));
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "More actions" }));
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

test.each(["bearer", "header", "basic"] as const)("with %s, another key is asked for, not a sign-in", async (auth) => {
  const { onsignin } = await show({ auth, status: "needs_sign_in" });
  expect(screen.getByRole("alert").textContent).toContain("linear-work needs a key that works.");
  await click("Replace key…");
  expect(within(screen.getByRole("dialog")).getByRole("button", { name: "Replace key" })).toBeTruthy();
  expect(onsignin).not.toHaveBeenCalled();
});

test("a key can’t be signed out of, only removed", async () => {
  await show({ auth: "bearer" });
  await click("More actions");
  expect(screen.queryByRole("menuitem", { name: "Sign out…" })).toBeNull();
  expect(screen.getByRole("menuitem", { name: "Remove…" })).toBeTruthy();
});

test("while a sign-in is open, its page is shown and no browser opened again", async () => {
  const { onsignin } = await show({ status: "signing_in" });
  await click("Show sign-in");
  expect(onsignin).toHaveBeenCalledExactlyOnceWith(false);
});

test("letters that hide are written out in scopes and program names, also where they are only heard", async () => {
  await show({ scopes: ["re\u202ead"] }, "cli\u200b.js");
  expect(screen.getByText("re\\u{202e}ad")).toBeTruthy();
  expect(await screen.findByRole("button", { name: "Revoke cli\\u{200b}.js" })).toBeTruthy();
});

test("an answer to a program is taken back", async () => {
  const { backend } = await show();
  await fireEvent.click(await screen.findByRole("button", { name: "Ask again for npm" }));
  await waitFor(() => expect(screen.queryByText("npm")).toBeNull());
  expect(backend.asked).toEqual([["revokeGrant", "g2"]]);
});

test("containers and remote hosts may ask only once the switch is on", async () => {
  const { backend } = await show();
  const allow = await screen.findByRole<HTMLInputElement>("switch", { name: /containers and remote hosts/ });
  expect(allow.checked).toBe(false);
  await fireEvent.click(allow);
  await waitFor(() => expect(allow.checked).toBe(true));
  expect(backend.asked).toEqual([["setRestricted", "linear-work", true]]);
});

test("an account that was removed or renamed elsewhere says only that", async () => {
  const { backend, onremoved } = await show();
  backend.failures = { account: failure("profile_not_found") };
  backend.change();
  expect(await screen.findByText("This account isn’t there any more.")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Test connection" })).toBeNull();
  await click("Back to servers");
  expect(onremoved).toHaveBeenCalledOnce();
});
