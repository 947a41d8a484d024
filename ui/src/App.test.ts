import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import App from "./App.svelte";
import { FakeBackend } from "./testing/fakeBackend";
import { account, agentStatus, failure, mcpClient, serverFound, settings, waitingForBrowser } from "./testing/samples";

async function show(prepare: (backend: FakeBackend) => void): Promise<FakeBackend> {
  const backend = new FakeBackend();
  prepare(backend);
  render(App, { backend });
  await waitFor(() => expect(screen.queryByText("Asking the agent")).toBeNull());
  return backend;
}

const withLinear = (backend: FakeBackend) => (backend.list = [account()]);

test("without accounts the window asks for the first server’s address", async () => {
  await show(() => undefined);
  expect(screen.getByRole("heading", { name: "Add your first server" })).toBeTruthy();
  expect(screen.getByRole("textbox", { name: "Server address" })).toBeTruthy();
});

test("a key that is pasted into the first field is left out, and said to be", async () => {
  await show(() => undefined);
  const pasted = 'claude mcp add -H "Authorization: Bearer s3cret" work https://x.example/mcp';
  const field = screen.getByRole("textbox", { name: "Server address" });
  await fireEvent.paste(field, { clipboardData: { getData: () => pasted } });
  expect(await screen.findByText("The header “Authorization” was left out.")).toBeTruthy();
  expect(screen.getByRole<HTMLInputElement>("textbox", { name: "Server address" }).value).toBe("https://x.example/mcp");
  expect(document.body.innerHTML).not.toContain("s3cret");
});

test("the practice server is started, added and signed in to by one button", async () => {
  const backend = await show(() => undefined);
  await fireEvent.click(screen.getByRole("button", { name: "Try the practice server" }));
  await waitFor(() =>
    expect(backend.asked.map(([method]) => method)).toEqual(["startPractice", "addAccount", "signIn"]),
  );
  expect(backend.asked[1]?.[1]).toMatchObject({ url: "http://127.0.0.1:4747/mcp", auth: "auto", secret: null });
});

test("an agent that doesn’t answer is named, and Try again asks it once more", async () => {
  const backend = await show((fake) => (fake.failures = { all: failure("agent_unreachable") }));
  expect(screen.getByRole("alert").textContent).toContain("Keybearer’s agent isn’t answering.");
  backend.failures = {};
  await fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("heading", { name: "Add your first server" })).toBeTruthy();
});

test("a change that the agent reports is read at once", async () => {
  const backend = await show(withLinear);
  backend.list = [account(), account({ profile: "notion", server_url: "https://mcp.notion.com/mcp" })];
  backend.change();
  expect(await screen.findByRole("option", { name: /notion/ })).toBeTruthy();
});

test("a configuration that can’t be read is no first run", async () => {
  await show((fake) => (fake.agent = agentStatus({ configuration_problem: "line 3: expected a comma" })));
  expect(screen.getByText("line 3: expected a comma")).toBeTruthy();
  expect(screen.queryByRole("heading", { name: "Add your first server" })).toBeNull();
});

test("locked, the window tells no name, and Unlock brings them back", async () => {
  await show((fake) => {
    withLinear(fake);
    fake.agent = agentStatus({ locked: true });
  });
  expect(document.body.textContent).not.toContain("linear");
  await fireEvent.click(screen.getByRole("button", { name: "Unlock" }));
  expect(await screen.findByRole("option", { name: /linear-work/ })).toBeTruthy();
});

test.each([
  ["l", "lock"],
  ["L", "lock"],
])("Ctrl %s locks", async (key, method) => {
  const backend = await show(withLinear);
  await fireEvent.keyDown(window, { key, ctrlKey: true });
  await waitFor(() => expect(backend.asked).toEqual([[method]]));
});

test("keys open the pages, and Esc leaves them", async () => {
  await show(withLinear);
  await fireEvent.keyDown(window, { key: ",", ctrlKey: true });
  expect(screen.getByRole("heading", { name: "Settings" })).toBeTruthy();
  await fireEvent.keyDown(window, { key: "Escape" });
  expect(screen.queryByRole("heading", { name: "Settings" })).toBeNull();
  await fireEvent.keyDown(window, { key: "n", ctrlKey: true });
  expect(screen.getByRole("heading", { name: "Add a server" })).toBeTruthy();
  await fireEvent.keyDown(window, { key: "f", ctrlKey: true });
  expect(document.activeElement).toBe(screen.getByRole("searchbox", { name: "Search servers" }));
});

test("Ctrl 2 shows where an account is used from, and Ctrl Z takes back what was installed last", async () => {
  const backend = await show((fake) => {
    withLinear(fake);
    fake.mcpClients = [mcpClient()];
  });
  await fireEvent.click(screen.getByRole("option", { name: /linear-work/ }));
  await screen.findByRole("tab", { name: "Overview", selected: true });
  await fireEvent.keyDown(window, { key: "2", ctrlKey: true });
  await fireEvent.click(await screen.findByRole("button", { name: "Install" }));
  await screen.findByText("Claude Code uses linear-work now.");
  const search = screen.getByRole("searchbox", { name: "Search servers" });
  await fireEvent.keyDown(search, { key: "z", ctrlKey: true });
  expect(backend.asked.map(([method]) => method)).toEqual(["install"]);
  await fireEvent.keyDown(window, { key: "z", ctrlKey: true });
  expect(await screen.findByText("Taken back from Claude Code.")).toBeTruthy();
  await fireEvent.keyDown(window, { key: "1", ctrlKey: true });
  expect(screen.getByRole("heading", { name: "Token health" })).toBeTruthy();
});

test("Ctrl K finds what can be done by its words, and does it with Enter alone", async () => {
  const backend = await show(withLinear);
  await fireEvent.keyDown(window, { key: "k", ctrlKey: true });
  const field = screen.getByRole("combobox", { name: "Search servers and commands" });
  expect(document.activeElement).toBe(field);
  expect(screen.getByRole("option", { name: /Show linear-work/, selected: true })).toBeTruthy();
  await fireEvent.input(field, { target: { value: "linear test" } });
  const option = screen.getByRole("option", { name: "Test connection of linear-work" });
  expect(field.getAttribute("aria-activedescendant")).toBe(option.id);
  await fireEvent.keyDown(field, { key: "Enter" });
  expect(await screen.findByText("The connection works.")).toBeTruthy();
  expect(screen.queryByRole("combobox")).toBeNull();
  expect(backend.asked).toEqual([["testAccount", "linear-work"]]);
});

test("Ctrl N offers the address that was copied, and takes it only when told to", async () => {
  await show((fake) => {
    withLinear(fake);
    fake.copied = "https://mcp.notion.com/mcp";
  });
  await fireEvent.keyDown(window, { key: "n", ctrlKey: true });
  const field = screen.getByRole<HTMLInputElement>("textbox", { name: "Server address" });
  const offer = await screen.findByRole("button", { name: "Use the copied address" });
  expect(field.value).toBe("");
  await fireEvent.click(offer);
  expect(field.value).toBe("https://mcp.notion.com/mcp");
  expect(screen.queryByRole("button", { name: "Use the copied address" })).toBeNull();
});

test("an address that has an account already is not offered", async () => {
  const backend = await show((fake) => {
    withLinear(fake);
    fake.copied = account().server_url;
  });
  const asked = vi.spyOn(backend, "copiedAddress");
  await fireEvent.keyDown(window, { key: "n", ctrlKey: true });
  await asked.mock.results[0]?.value;
  expect(screen.queryByRole("button", { name: "Use the copied address" })).toBeNull();
});

test("in the palette arrows move the choice around, and other words begin at the first again", async () => {
  await show(withLinear);
  await fireEvent.click(screen.getByRole("button", { name: "Commands (Ctrl K)" }));
  const field = screen.getByRole("combobox");
  const chosen = () => screen.getByRole("option", { selected: true }).textContent.trim();
  await fireEvent.keyDown(field, { key: "ArrowUp" });
  expect(chosen()).toContain("Keyboard shortcuts");
  await fireEvent.keyDown(field, { key: "ArrowDown" });
  await fireEvent.keyDown(field, { key: "ArrowDown" });
  expect(chosen()).toContain("Add server");
  await fireEvent.input(field, { target: { value: "lock" } });
  expect(chosen()).toContain("Lock Keybearer");
  await fireEvent.input(field, { target: { value: "nothing like it" } });
  expect(screen.getByText("No server or command has these words.")).toBeTruthy();
});

test("in the palette Tab shows all that can be done with the account, and Shift Tab or Backspace goes back", async () => {
  const backend = await show(withLinear);
  await fireEvent.keyDown(window, { key: "k", ctrlKey: true });
  const field = screen.getByRole<HTMLInputElement>("combobox");
  const group = () => screen.getAllByRole("group").map((one) => one.getAttribute("aria-label"));
  expect(screen.getByText("More actions", { selector: "footer *" })).toBeTruthy();
  await fireEvent.input(field, { target: { value: "lin" } });
  await fireEvent.keyDown(field, { key: "Tab" });
  expect([field.value, group()]).toEqual(["", ["Actions of linear-work"]]);
  await fireEvent.keyDown(field, { key: "Tab", shiftKey: true });
  expect(group()).toContain("Commands");
  expect(screen.getByRole("option", { name: /Show linear-work/, selected: true })).toBeTruthy();
  await fireEvent.keyDown(field, { key: "Tab" });
  await fireEvent.keyDown(field, { key: "Backspace" });
  expect(group()).toContain("Commands");
  await fireEvent.keyDown(field, { key: "Tab" });
  await fireEvent.input(field, { target: { value: "test" } });
  await fireEvent.keyDown(field, { key: "Backspace" });
  expect(group()).toEqual(["Actions of linear-work"]);
  await fireEvent.keyDown(field, { key: "Enter" });
  expect(await screen.findByText("The connection works.")).toBeTruthy();
  expect(backend.asked).toEqual([["testAccount", "linear-work"]]);
});

test("Ctrl ? shows the keys, and Ctrl Shift C copies the helper command of the account", async () => {
  const backend = await show(withLinear);
  await fireEvent.keyDown(window, { key: "?", ctrlKey: true, shiftKey: true });
  const keys = within(screen.getByRole("dialog", { name: "Keyboard shortcuts" }));
  expect(keys.getByText("Undo the last install, revoke or removal")).toBeTruthy();
  await fireEvent.click(keys.getByRole("button", { name: "Close" }));
  await fireEvent.click(screen.getByRole("option", { name: /linear-work/ }));
  await screen.findByRole("heading", { level: 1, name: "linear-work" });
  await fireEvent.keyDown(window, { key: "C", ctrlKey: true, shiftKey: true });
  expect(await screen.findByText("Copied: keybearer token linear-work")).toBeTruthy();
  expect(backend.asked).toEqual([["copyText", "keybearer token linear-work"]]);
});

test("of several installs Ctrl Z takes back one after the other, the last first, each once", async () => {
  const backend = await show((fake) => {
    withLinear(fake);
    fake.mcpClients = [mcpClient(), mcpClient({ client: "cursor", name: "Cursor" })];
  });
  await fireEvent.click(screen.getByRole("option", { name: /linear-work/ }));
  await screen.findByRole("tab", { name: "Overview", selected: true });
  await fireEvent.keyDown(window, { key: "2", ctrlKey: true });
  for (const name of ["Claude Code", "Cursor"]) {
    await fireEvent.click(await screen.findByRole("tab", { name: new RegExp(name) }));
    await fireEvent.click(await screen.findByRole("button", { name: "Install" }));
    await screen.findByText(`${name} uses linear-work now.`);
  }
  const undone = () => backend.asked.filter(([method]) => method === "undoInstall").map(([, client]) => client);
  for (const so of [["cursor"], ["cursor", "claude-code"]]) {
    await fireEvent.keyDown(window, { key: "z", ctrlKey: true });
    await waitFor(() => expect(undone()).toEqual(so));
  }
  await fireEvent.keyDown(window, { key: "z", ctrlKey: true });
  expect(undone()).toEqual(["cursor", "claude-code"]);
});

test("a removed account is had back with Ctrl Z, which opens it again", async () => {
  const backend = await show((fake) => (fake.list = [account(), account({ profile: "notion" })]));
  await fireEvent.click(screen.getByRole("option", { name: /linear-work/ }));
  await fireEvent.click(await screen.findByRole("button", { name: "More actions" }));
  await fireEvent.click(screen.getByRole("menuitem", { name: "Remove…" }));
  await fireEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Remove" }));
  expect(await screen.findByText("linear-work was removed.")).toBeTruthy();
  await fireEvent.keyDown(window, { key: "z", ctrlKey: true });
  expect(await screen.findByText("linear-work is back.")).toBeTruthy();
  expect(await screen.findByRole("heading", { level: 1, name: "linear-work" })).toBeTruthy();
  expect(backend.asked.at(-1)).toEqual(["restoreAccount", "undo 1"]);
});

test("behind the lock nothing names what was removed, and nothing can be had back", async () => {
  const backend = await show((fake) => (fake.list = [account(), account({ profile: "notion" })]));
  await fireEvent.click(screen.getByRole("option", { name: /linear-work/ }));
  await fireEvent.click(await screen.findByRole("button", { name: "More actions" }));
  await fireEvent.click(screen.getByRole("menuitem", { name: "Remove…" }));
  await fireEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Remove" }));
  await screen.findByText("linear-work was removed.");
  await backend.lock();
  backend.change();
  await screen.findByRole("heading", { name: "Keybearer is locked" });
  expect(document.body.textContent).not.toContain("linear-work");
});

test("giving out tokens is paused from the foot of the list, and resumed from the banner", async () => {
  const backend = await show(withLinear);
  await fireEvent.click(screen.getByRole("button", { name: "Giving out tokens" }));
  await fireEvent.click(screen.getByRole("menuitem", { name: "Pause for 1 hour" }));
  expect(await screen.findByText(/^Paused until .*\.$/)).toBeTruthy();
  await fireEvent.click(screen.getByRole("button", { name: "Resume" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Resume" })).toBeNull());
  expect(backend.asked).toEqual([["pause", 60], ["resume"]]);
});

test("without a network that is said once, and the accounts wait for it", async () => {
  await show((fake) => {
    withLinear(fake);
    fake.agent = agentStatus({ offline: true });
  });
  expect(screen.getByText("No network.")).toBeTruthy();
  expect(screen.getByRole("option", { name: /linear-work.*Offline/ })).toBeTruthy();
});

test("a keyring that doesn’t answer has a page of its own, which asks it again and leads to the other places", async () => {
  const backend = await show((fake) => {
    withLinear(fake);
    fake.agent = agentStatus({ vault: "absent", vault_problem: "no such name" });
  });
  expect(screen.getByRole("heading", { name: "The system keyring isn’t answering" })).toBeTruthy();
  expect(screen.getByText("no such name")).toBeTruthy();
  await fireEvent.click(screen.getByRole("button", { name: "Set up…" }));
  expect(screen.getByRole("heading", { name: "Settings" })).toBeTruthy();
  await fireEvent.keyDown(window, { key: "Escape" });
  backend.agent = agentStatus();
  await fireEvent.click(screen.getByRole("button", { name: "Unlock keyring" }));
  expect(await screen.findByRole("option", { name: /linear-work/ })).toBeTruthy();
  expect(backend.asked).toEqual([["unlock", null]]);
});

test("without an account, servers of clients are offered and become the first", async () => {
  await show((fake) => {
    fake.found = { ...fake.found, servers: [serverFound()] };
  });
  await fireEvent.click(await screen.findByRole("button", { name: "Import 1 server" }));
  expect(await screen.findByRole("heading", { level: 1, name: /linear/ })).toBeTruthy();
});

test("servers are imported later from the settings", async () => {
  await show(withLinear);
  await fireEvent.keyDown(window, { key: ",", ctrlKey: true });
  await fireEvent.click(screen.getByRole("button", { name: "Look…" }));
  expect(await screen.findByText("No MCP client on this computer has a server yet.")).toBeTruthy();
});

test("an account whose sign-in is open shows how that stands", async () => {
  await show((fake) => {
    fake.list = [account({ status: "signing_in" })];
    fake.signIns["linear-work"] = waitingForBrowser();
  });
  await fireEvent.click(screen.getByRole("option", { name: /linear-work/ }));
  expect(await screen.findByRole("button", { name: "Open browser again" })).toBeTruthy();
});

test("the tray opens an account’s page", async () => {
  const backend = await show(withLinear);
  backend.open({ page: "account", profile: "linear-work" });
  expect(await screen.findByRole("heading", { name: /linear-work/ })).toBeTruthy();
});

test("an answer from the browser that fits no sign-in is said, and can be dismissed", async () => {
  const backend = await show(withLinear);
  backend.notice(failure("provider_error", "state_mismatch"));
  expect(await screen.findByText("The answer belongs to another sign-in.")).toBeTruthy();
  await fireEvent.click(screen.getByRole("button", { name: "Dismiss" }));
  expect(screen.queryByText("The answer belongs to another sign-in.")).toBeNull();
});

test("theme and language follow the settings, at once and as the agent has them", async () => {
  const backend = await show(withLinear);
  await fireEvent.keyDown(window, { key: ",", ctrlKey: true });
  await fireEvent.click(within(screen.getByRole("radiogroup", { name: "Theme" })).getByRole("radio", { name: "Dark" }));
  await waitFor(() => expect(document.documentElement.dataset.theme).toBe("dark"));
  await fireEvent.click(screen.getByRole("radio", { name: "简体中文" }));
  expect(await screen.findByRole("heading", { name: "设置" })).toBeTruthy();
  expect(document.documentElement.lang).toBe("zh-CN");

  backend.current = settings({ language: "en" });
  backend.change();
  expect(await screen.findByRole("heading", { name: "Settings" })).toBeTruthy();
  expect(document.documentElement.dataset.theme).toBeUndefined();
});

test("a page that is asked for before the list was read is opened by what the list says", async () => {
  const backend = new FakeBackend();
  backend.list = [account({ status: "signing_in" })];
  backend.signIns["linear-work"] = waitingForBrowser();
  render(App, { backend });
  backend.open({ page: "account", profile: "linear-work" });
  expect(await screen.findByRole("button", { name: "Open browser again" })).toBeTruthy();
  expect(backend.asked).toEqual([]);
});

test("a page that is asked for behind the lock comes with the unlocking", async () => {
  const backend = await show((fake) => {
    withLinear(fake);
    fake.agent = agentStatus({ locked: true });
  });
  backend.open({ page: "account", profile: "linear-work" });
  await fireEvent.click(screen.getByRole("button", { name: "Unlock" }));
  expect(await screen.findByRole("heading", { name: /linear-work/ })).toBeTruthy();
});

test.each([
  ["the lock", (fake: FakeBackend) => (fake.agent = agentStatus({ locked: true, vault: "locked" }))],
  ["the settings", (fake: FakeBackend) => (fake.agent = agentStatus({ vault: "locked" }))],
])("with %s on the screen, what is wrong with Keybearer is said too", async (_, prepare) => {
  const backend = await show(prepare);
  await fireEvent.keyDown(window, { key: ",", ctrlKey: true });
  expect(screen.getByText("The system keyring is locked.")).toBeTruthy();
  backend.notice(failure("provider_error", "state_mismatch"));
  expect(await screen.findByText("The answer belongs to another sign-in.")).toBeTruthy();
  backend.agent = { ...backend.agent, vault: "unlocked" };
  await fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await waitFor(() => expect(screen.queryByText("The system keyring is locked.")).toBeNull());
});

test("the lock hides what a machine says, which may hold names", async () => {
  const backend = await show((fake) => {
    fake.agent = agentStatus({ locked: true, configuration_problem: "linear-work twice" });
  });
  backend.notice({ ...failure("provider_error", "state_mismatch"), message: "linear-work" });
  expect(await screen.findByText("The answer belongs to another sign-in.")).toBeTruthy();
  expect(document.body.textContent).not.toContain("linear");
});

test("Esc doesn’t throw away what was typed for a new server", async () => {
  await show(withLinear);
  await fireEvent.keyDown(window, { key: "n", ctrlKey: true });
  const field = screen.getByRole("textbox", { name: "Server address" });
  await fireEvent.input(field, { target: { value: "https://mcp.no" } });
  await fireEvent.keyDown(field, { key: "Escape" });
  expect(screen.getByRole("heading", { name: "Add a server" })).toBeTruthy();
  await fireEvent.input(field, { target: { value: "" } });
  await fireEvent.keyDown(field, { key: "Escape", isComposing: true });
  await fireEvent.keyDown(field, { key: "Escape", repeat: true });
  expect(screen.getByRole("heading", { name: "Add a server" })).toBeTruthy();
  await fireEvent.keyDown(field, { key: "Escape" });
  expect(screen.queryByRole("heading", { name: "Add a server" })).toBeNull();
});

test.each([true, false])("/ searches, also where it takes Shift (%s)", async (shiftKey) => {
  await show(withLinear);
  await fireEvent.keyDown(window, { key: "/", shiftKey });
  expect(document.activeElement).toBe(screen.getByRole("searchbox", { name: "Search servers" }));
});

test("where what had the focus leaves, the keyboard goes on from the page", async () => {
  const backend = await show(withLinear);
  screen.getByRole("option", { name: /linear-work/ }).focus();
  await backend.lock();
  backend.change();
  await screen.findByRole("heading", { name: "Keybearer is locked" });
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("main")));
  screen.getByRole("button", { name: "Unlock" }).focus();
  await fireEvent.click(screen.getByRole("button", { name: "Unlock" }));
  await screen.findByRole("option", { name: /linear-work/ });
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("main")));
});

test("a state that changes by time alone is read each minute while somebody may look", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true, toFake: ["setInterval", "clearInterval"] });
  try {
    const backend = await show(withLinear);
    backend.list = [account({ status: "expiring" })];
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(screen.queryByRole("option", { name: /Expiring/ })).toBeNull();
    hidden.mockReturnValue(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await screen.findByRole("option", { name: /Expiring/ })).toBeTruthy();
  } finally {
    vi.useRealTimers();
  }
});
