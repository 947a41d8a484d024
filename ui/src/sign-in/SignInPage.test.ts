import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import { draftOf, type Draft } from "../add/draft";
import type { AuthView } from "../backend";
import { FakeBackend } from "../testing/fakeBackend";
import { account, failure, signIn, waitingForBrowser } from "../testing/samples";
import { Undoing } from "../undo/undoing.svelte";
import SignInPage from "./SignInPage.svelte";

async function show(view: AuthView, added: Draft | null = null) {
  const backend = new FakeBackend();
  backend.list = [account()];
  backend.signIns["linear-work"] = view;
  const calls = { onaccount: vi.fn(), onedit: vi.fn() };
  const where = { profile: "linear-work", account: account(), start: false, register: false, added };
  render(SignInPage, { backend, undoing: new Undoing(), ...where, ...calls });
  await screen.findByRole("heading", { level: 1 });
  await waitFor(() => expect(document.querySelector("h2")).toBeTruthy());
  return { backend, ...calls };
}

const click = (name: string) => fireEvent.click(screen.getByRole("button", { name }));

test("the steps say how they stand, and the one under way is announced", async () => {
  await show(signIn("preparing", 3, "running"));
  const steps = screen.getByRole("list", { name: "Sign-in steps" }).children;
  expect([...steps].map((step) => step.querySelector("h2")?.textContent)).toEqual([
    "Reach the server, done",
    "Read resource metadata, done",
    "Read the sign-in service, running",
    "Identify this app, to do",
    "Complete sign-in in the browser, to do",
    "Receive the answer, to do",
    "Get tokens and save them in the keyring, to do",
    "Test: list tools, to do",
  ]);
  expect(steps[2]?.getAttribute("aria-current")).toBe("step");
  expect(screen.getByRole("status").textContent?.trim()).toBe("Step 3 of 8: Read the sign-in service");
});

test("a change of the sign-in is shown without asking for it", async () => {
  const { backend } = await show(signIn("preparing", 3, "running"));
  backend.signIns["linear-work"] = waitingForBrowser();
  backend.change();
  expect(await screen.findByRole("button", { name: "Open browser again" })).toBeTruthy();
});

test.each([
  ["Open browser again", { callback: null, device: false, register_again: false }],
  ["Try again with 127.0.0.1", { callback: "loopback", device: false, register_again: false }],
  ["Register again", { callback: null, device: false, register_again: true }],
])("while the browser is awaited, “%s” is offered", async (name, request) => {
  const { backend } = await show(waitingForBrowser());
  await click(name);
  expect(backend.asked).toEqual([["signIn", { profile: "linear-work", ...request }]]);
});

test("a code for another device is offered where the service takes one", async () => {
  const { backend } = await show(waitingForBrowser({ device_offered: true }));
  await click("Use another device");
  expect(backend.asked[0]?.[1]).toMatchObject({ device: true, callback: null });
});

test("on another device the code is shown to be typed or compared, and no address is pasted", async () => {
  const device = { authorization_url: "https://idp.example/device", user_code: "BCDF-GHJK", callback: null };
  const { backend } = await show(waitingForBrowser(device));
  expect(screen.getByText("BCDF-GHJK")).toBeTruthy();
  expect(screen.getByText("https://idp.example/device")).toBeTruthy();
  expect(screen.queryByRole("textbox")).toBeNull();
  await click("Copy code");
  await click("Open browser again");
  expect(backend.asked[0]).toEqual(["copyText", "BCDF-GHJK"]);
  expect(backend.asked[1]?.[1]).toMatchObject({ device: false, callback: null });
});

test("the sign-in link is copied", async () => {
  const { backend } = await show(waitingForBrowser());
  await click("Copy sign-in link");
  expect(backend.asked).toEqual([["copyText", "https://mcp.linear.app/authorize?state=1"]]);
});

test("a sign-in that comes back to 127.0.0.1 offers the other way", async () => {
  const { backend } = await show(waitingForBrowser({ callback: "loopback" }));
  await click("Try again with the app link");
  expect(backend.asked[0]?.[1]).toMatchObject({ callback: "deep_link" });
});

test.each([null, failure("provider_error", "state_mismatch")])(
  "a pasted address is sent once and kept nowhere, whatever comes of it",
  async (error) => {
    const { backend } = await show(waitingForBrowser());
    if (error) backend.failures = { completeSignIn: error };
    const address = "app.keybearer:/oauth/callback?code=c0de&state=1";
    const field = screen.getByRole<HTMLInputElement>("textbox", { name: "Browser done, but nothing happened here?" });
    await fireEvent.input(field, { target: { value: ` ${address}\n` } });
    await click("Continue");
    expect(backend.asked).toEqual([["completeSignIn", address]]);
    expect(field.value).toBe("");
    if (error)
      expect((await screen.findByRole("alert")).textContent).toContain("The answer belongs to another sign-in.");
    expect(document.body.innerHTML).not.toContain("c0de");
  },
);

test("Enter client ID… opens a form that keeps no secret", async () => {
  const { backend } = await show(waitingForBrowser());
  await click("Enter client ID…");
  const secret = screen.getByLabelText<HTMLInputElement>("Client secret");
  await fireEvent.input(screen.getByRole("textbox", { name: "Client ID" }), { target: { value: "abc" } });
  await fireEvent.input(secret, { target: { value: "s3cret" } });
  await fireEvent.submit(secret.form as HTMLFormElement);
  expect(secret.value).toBe("");
  await waitFor(() => expect(backend.asked).toHaveLength(2));
  expect(backend.asked[0]).toEqual([
    "updateAccount",
    { profile: "linear-work", client_id: "abc", scopes: null, secret: "s3cret" },
  ]);
  expect(backend.asked[1]?.[0]).toBe("signIn");
});

test("a service that registers no apps asks for a client ID, with the address to register", async () => {
  const error = failure("provider_error", "registration_not_offered");
  await show(signIn("failed", 4, "stopped", { error }));
  expect(screen.getByText("The sign-in service doesn’t accept new apps by itself.")).toBeTruthy();
  expect(screen.getByText("http://127.0.0.1:47821/callback")).toBeTruthy();
  expect(screen.getByRole("textbox", { name: "Client ID" })).toBeTruthy();
});

test.each([
  ["pkce_unsupported", "pkce_not_advertised", "don’t say so"],
  ["metadata_issuer_mismatch", "issuer_slash", "one slash at the end"],
] as const)("after %s a person may accept it, told what that means", async (reason, exception, words) => {
  const error = failure("provider_error", reason);
  error.data.exception = exception;
  const { backend } = await show(signIn("failed", 4, "stopped", { error }));
  expect(document.body.textContent).toContain(words);
  await click("Accept and sign in");
  await waitFor(() => expect(backend.asked).toHaveLength(2));
  expect(backend.asked[0]).toEqual(["updateAccount", { profile: "linear-work", exceptions: [exception] }]);
  expect(backend.asked[1]?.[0]).toBe("signIn");
});

test("what can’t be accepted is not offered", async () => {
  await show(signIn("failed", 4, "stopped", { error: failure("provider_error", "metadata_issuer_mismatch") }));
  expect(screen.queryByRole("button", { name: "Accept and sign in" })).toBeNull();
});

test("a link that works for a shorter time than the sign-in says so", async () => {
  const page_lapses_at = new Date(Date.now() + 45_000).toISOString();
  await show(waitingForBrowser({ page_lapses_at }));
  expect(screen.getByRole("timer").textContent).toMatch(/4\d s more/);
});

test("a service that admits only apps on its list asks for a client ID, and isn’t asked again", async () => {
  const error = failure("provider_error", "registration_not_listed");
  await show(signIn("failed", 4, "stopped", { error }));
  expect(screen.getByText("The sign-in service admits only apps on its own list.")).toBeTruthy();
  expect(screen.getByRole("textbox", { name: "Client ID" })).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
});

test("after a failure of what was just added, Edit address takes it back", async () => {
  const draft = draftOf("https://mcp.linear.app/mpc");
  const { backend, onedit } = await show(signIn("failed", 1, "stopped", { error: failure("not_mcp_server") }), draft);
  expect(screen.getByRole("alert").textContent).toContain("There is no MCP server at this address.");
  await click("Edit address");
  expect(backend.asked).toEqual([["removeAccount", "linear-work"]]);
  await waitFor(() => expect(onedit).toHaveBeenCalledWith(draft, { details: false }));
});

test("Cancel ends the sign-in and shows the account", async () => {
  const { backend, onaccount } = await show(waitingForBrowser());
  await click("Cancel");
  expect(backend.asked).toEqual([["cancelSignIn", "linear-work"]]);
  await waitFor(() => expect(onaccount).toHaveBeenCalledOnce());
});

test("done means that tools were listed, and the commands to use it are there to copy", async () => {
  const { backend } = await show(signIn("signed_in", 9, "done"));
  expect(screen.getByRole("heading", { name: "linear-work is ready" })).toBeTruthy();
  expect(await screen.findByText(/23 tools/)).toBeTruthy();
  await click("Copy keybearer token linear-work");
  expect(backend.asked).toEqual([["copyText", "keybearer token linear-work"]]);
});

test("to begin is asked for once, whatever changes afterwards", async () => {
  const backend = new FakeBackend();
  backend.list = [account()];
  const where = {
    profile: "linear-work",
    start: true,
    register: false,
    added: null,
    onaccount: vi.fn(),
    onedit: vi.fn(),
  };
  const { rerender } = render(SignInPage, { backend, undoing: new Undoing(), account: account(), ...where });
  for (const view of [signIn("preparing", 2, "running"), waitingForBrowser(), signIn("finishing", 7, "running")]) {
    backend.signIns["linear-work"] = view;
    backend.change();
    await rerender({ account: account({ status: "signing_in" }) });
    await waitFor(() => expect(document.querySelector("[aria-current=step]")).toBeTruthy());
  }
  expect(backend.asked).toEqual([
    ["signIn", { profile: "linear-work", callback: null, device: false, register_again: false }],
  ]);
});

test("Cancel works while the request that began the sign-in is still on its way", async () => {
  const { backend, onaccount } = await show(signIn("failed", 1, "stopped", { error: failure("timeout") }));
  backend.signIn = () => new Promise(() => undefined);
  await click("Try again");
  backend.signIns["linear-work"] = signIn("preparing", 1, "running");
  backend.change();
  await fireEvent.click(await screen.findByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(onaccount).toHaveBeenCalledOnce());
  expect(backend.asked).toEqual([["cancelSignIn", "linear-work"]]);
});

test("Cancel says why it didn’t work", async () => {
  const { backend, onaccount } = await show(waitingForBrowser());
  backend.failures = { cancelSignIn: failure("agent_unreachable") };
  await click("Cancel");
  expect((await screen.findByRole("alert")).textContent).toContain("Keybearer’s agent isn’t answering.");
  expect(onaccount).not.toHaveBeenCalled();
});

test("what has come back from the browser can’t be cancelled any more", async () => {
  await show(signIn("finishing", 7, "running"));
  expect(screen.queryByRole("button", { name: "Cancel" })).toBeNull();
});

test("the form for a client ID leaves with the phase that it was opened in", async () => {
  const { backend } = await show(waitingForBrowser());
  await click("Enter client ID…");
  for (const view of [signIn("finishing", 7, "running"), waitingForBrowser()]) {
    backend.signIns["linear-work"] = view;
    backend.change();
    await waitFor(() => expect(screen.queryByRole("textbox", { name: "Client ID" })).toBeNull());
  }
});

test.each(["resource_metadata_missing", "server_metadata_missing"])(
  "with %s a method can be chosen",
  async (reason) => {
    const draft = draftOf("https://mcp.linear.app/mcp");
    const error = failure("provider_error", reason);
    const { backend, onedit } = await show(signIn("failed", 2, "stopped", { error }), draft);
    await click("Choose a sign-in method");
    await waitFor(() => expect(onedit).toHaveBeenCalledWith(draft, { details: true }));
    expect(backend.asked).toEqual([["removeAccount", "linear-work"]]);
  },
);

test("an account that was there before isn’t removed for another method", async () => {
  const error = failure("provider_error", "resource_metadata_missing");
  const { backend, onedit } = await show(signIn("failed", 2, "stopped", { error }));
  await click("Choose a sign-in method");
  await waitFor(() => expect(onedit).toHaveBeenCalledWith(draftOf("https://mcp.linear.app/mcp"), { details: true }));
  expect(backend.asked).toEqual([]);
});

test("a refused registration can be tried again, anew, or by hand", async () => {
  const error = failure("provider_error", "registration_refused");
  const { backend } = await show(signIn("failed", 4, "stopped", { error }));
  expect(screen.getByRole("textbox", { name: "Client ID" })).toBeTruthy();
  await click("Try again");
  await waitFor(() =>
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Register again" }).disabled).toBe(false),
  );
  await click("Register again");
  expect(backend.asked.map(([, request]) => request)).toMatchObject([
    { register_again: false },
    { register_again: true },
  ]);
});
