import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import type { AccountDetail, AccountView } from "../backend";
import { FakeBackend } from "../testing/fakeBackend";
import { account, entry, failure, grant, inMinutes, mcpClient } from "../testing/samples";
import { Undoing } from "../undo/undoing.svelte";
import AccountPage from "./AccountPage.svelte";

async function show(different: Partial<AccountDetail> = {}, program = "cli.js", others: AccountView[] = []) {
  const backend = new FakeBackend();
  backend.list = [account(), ...others];
  backend.details["linear-work"] = different;
  backend.programs = [grant({ program }), grant({ grant: "g2", program: "npm", decision: "deny" })];
  const calls = {
    onaccount: vi.fn(),
    onanother: vi.fn(),
    onsignin: vi.fn(),
    onregister: vi.fn(),
    onrenamed: vi.fn(),
    onremoved: vi.fn(),
  };
  const undoing = new Undoing();
  const given = { backend, profile: "linear-work", accounts: backend.list, offline: false, undoing };
  render(AccountPage, { ...given, ...calls });
  await screen.findByRole("heading", { level: 1 });
  return { backend, undoing, ...calls };
}

const click = (name: string) => fireEvent.click(screen.getByRole("button", { name }));

async function openTab(name: string) {
  await fireEvent.click(await screen.findByRole("tab", { name }));
}

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
  const { onsignin } = await show({ status: "needs_more_access", wanted_scopes: ["files:write"] });
  expect(screen.getByText(/needs: files:write/)).toBeTruthy();
  await click("Review and sign in");
  expect(onsignin).toHaveBeenCalledWith(true);
});

test("a test says what it found", async () => {
  const { backend } = await show();
  await click("Test connection");
  expect(backend.asked).toEqual([["testAccount", "linear-work"]]);
  expect(await screen.findByText("The connection works.")).toBeTruthy();
});

test("the token's day is one picture with a sentence for its name", async () => {
  await show();
  expect(
    await screen.findByRole("img", { name: /^Last 24 hours: 3 tokens, 1 retry at .* Next refresh at/ }),
  ).toBeTruthy();
});

test("the access token is copied past the page, after a question whose safe answer has the focus", async () => {
  const { backend, undoing } = await show({ expires_at: inMinutes(42.5) });
  await click("Copy access token…");
  const dialog = within(screen.getByRole("dialog", { name: "Copy the access token for linear-work?" }));
  expect(screen.getByRole("dialog").textContent).toContain("act as ada@acme.dev for the next 42 min");
  expect(dialog.getByText("issues:create")).toBeTruthy();
  expect(document.activeElement).toBe(dialog.getByRole("button", { name: "Cancel" }));
  expect(backend.asked).toEqual([]);
  await fireEvent.click(dialog.getByRole("button", { name: "Copy access token" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(backend.asked).toEqual([["copyAccessToken", "linear-work"]]);
  expect(undoing.text).toMatch(/cleared after 30 seconds/);
});

test("the server's tools are listed on request, with what hides in their names written out", async () => {
  const { backend } = await show();
  backend.serverTools = { tools: [{ name: "li\u202est", title: "List issues" }], more: true };
  await click("Show list");
  expect(await screen.findByText("List issues")).toBeTruthy();
  expect(screen.getByText("li\\u{202e}st")).toBeTruthy();
  expect(screen.getByText("The server has more than these.")).toBeTruthy();
});

test("with several accounts of one server the header switches between them and adds another", async () => {
  const { onaccount, onanother } = await show({}, "cli.js", [account({ profile: "linear-home" })]);
  const opener = screen.getByRole("button", {
    name: "2 accounts. Account: linear-work. Switch account of mcp.linear.app",
  });
  await fireEvent.click(opener);
  expect(screen.getByRole("menuitemradio", { name: /linear-work/ }).getAttribute("aria-checked")).toBe("true");
  await fireEvent.click(screen.getByRole("menuitemradio", { name: /linear-home/ }));
  expect(onaccount).toHaveBeenCalledExactlyOnceWith("linear-home");
  await fireEvent.click(opener);
  await fireEvent.click(screen.getByRole("menuitem", { name: "Add another account…" }));
  expect(onanother).toHaveBeenCalledExactlyOnceWith("https://mcp.linear.app/mcp");
});

test("a server that doesn't answer says since when, and for how long the token is still good", async () => {
  await show({
    status: "unreachable",
    unreachable_since: inMinutes(-6.5),
    expires_at: inMinutes(72.5),
    last_error: failure("provider_unreachable", "dns"),
  });
  expect(screen.getByText("mcp.linear.app hasn’t answered for 6 min.")).toBeTruthy();
  expect(screen.getByText(/good for another 1 h 12 min/)).toBeTruthy();
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
  await openTab("Programs 1");
  expect(await screen.findByRole("button", { name: "Revoke cli\\u{200b}.js" })).toBeTruthy();
});

test("an answer to a program is taken back", async () => {
  const { backend, undoing } = await show();
  await openTab("Programs 1");
  await click("Ask again for npm");
  await waitFor(() => expect(screen.queryByText("npm")).toBeNull());
  expect(undoing.text).toBe("npm will be asked about again.");
  await undoing.undo();
  expect(await screen.findByText("npm")).toBeTruthy();
  expect(backend.asked).toEqual([
    ["revokeGrant", "g2"],
    ["restoreGrant", "undo 1"],
  ]);
});

test("a program whose file has changed since it was allowed is marked, and says what comes", async () => {
  const { backend } = await show();
  backend.programs = [grant({ program: "triage.py", started_by: ["cron"], changed_at: "2026-11-21T09:00:00Z" })];
  backend.change();
  await openTab("Programs 1");
  expect(await screen.findByText("File changed")).toBeTruthy();
  expect(screen.getByText(/after you allowed it. The next use asks again./)).toBeTruthy();
  expect(screen.getByRole("cell", { name: "cron" })).toBeTruthy();
});

test("a program is allowed by running it, which the window says how to do", async () => {
  await show();
  await openTab("Programs 1");
  await click("Allow a program…");
  expect(screen.getByRole("dialog", { name: "Allow a program to use linear-work" })).toBeTruthy();
  expect(screen.getByText("keybearer run linear-work -- PROGRAM")).toBeTruthy();
});

test("an account is asked about as chosen for it alone, and opened only after a question", async () => {
  const { backend } = await show();
  await openTab("Programs 1");
  const group = await screen.findByRole("radiogroup", { name: "When a new program asks" });
  const radio = (name: string) => within(group).getByRole<HTMLInputElement>("radio", { name });
  expect(radio("As in settings").checked).toBe(true);
  await fireEvent.click(radio("Ask me"));
  await waitFor(() => expect(radio("Ask me").checked).toBe(true));
  await waitFor(() => expect(group.getAttribute("aria-disabled")).toBe("false"));
  await fireEvent.click(radio("Allow mine"));
  const question = within(await screen.findByRole("dialog"));
  expect(question.getByText(/gets tokens for linear-work/)).toBeTruthy();
  expect(backend.asked).toEqual([["setAccountApproval", "linear-work", "ask"]]);
  await fireEvent.click(question.getByRole("button", { name: "Allow mine" }));
  await waitFor(() => expect(backend.asked.at(-1)).toEqual(["setAccountApproval", "linear-work", "same_user"]));
});

test("a rename and a removal name the clients that ask for the account", async () => {
  const { backend } = await show();
  const keybearer = { profile: "linear-work", mode: "helper" as const, known: true, receipt: null };
  backend.mcpClients = [mcpClient({ name: "Cursor", entries: [entry({ keybearer })] }), mcpClient({ name: "Zed" })];
  const dialog = await choose("Rename…");
  expect(await dialog.findByText("Cursor asks for linear-work.")).toBeTruthy();
  await fireEvent.click(dialog.getByRole("button", { name: "Cancel" }));
  expect(await (await choose("Remove…")).findByText("Cursor asks for linear-work.")).toBeTruthy();
});

test("containers and remote hosts may ask only once the switch is on", async () => {
  const { backend } = await show();
  await openTab("Programs 1");
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
