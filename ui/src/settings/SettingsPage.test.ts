import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import { FakeBackend } from "../testing/fakeBackend";
import { agentStatus, failure, settings } from "../testing/samples";
import SettingsPage from "./SettingsPage.svelte";

function show() {
  const backend = new FakeBackend();
  const { rerender } = render(SettingsPage, {
    backend,
    settings: backend.current,
    agent: agentStatus(),
    onchanged: (): Promise<void> => rerender({ settings: backend.current }),
    onpractice: vi.fn(),
    onimport: vi.fn(),
    onprograms: vi.fn(),
    onclose: vi.fn(),
  });
  return backend;
}

const radio = (name: string) => screen.getByRole<HTMLInputElement>("radio", { name });

test("a choice that is refused goes back to what is in force, and says why beside it", async () => {
  const backend = show();
  backend.failures = { changeSettings: failure("storage_full") };
  await fireEvent.click(radio("Dark"));
  const note = await screen.findByRole("alert");
  expect(note.textContent).toContain("There is no room left");
  expect(note.parentElement?.textContent).toContain("Theme");
  expect(radio("Dark").checked).toBe(false);
  expect(
    within(screen.getByRole("radiogroup", { name: "Theme" })).getByRole<HTMLInputElement>("radio", { name: "System" })
      .checked,
  ).toBe(true);

  backend.failures = {};
  await fireEvent.click(radio("Light"));
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  expect(radio("Light").checked).toBe(true);
});

test("while one setting changes, another can", async () => {
  const backend = show();
  await Promise.all([fireEvent.click(radio("Dark")), fireEvent.click(radio("127.0.0.1"))]);
  expect(backend.asked).toEqual([
    ["changeSettings", { theme: "dark" }],
    ["changeSettings", { callback: "loopback" }],
  ]);
});

test("every program of the user is allowed only after a question, which is safe to leave", async () => {
  const backend = show();
  await fireEvent.click(radio("Allow mine"));
  const dialog = within(await screen.findByRole("dialog"));
  expect(backend.asked).toEqual([]);
  await fireEvent.click(dialog.getByRole("button", { name: "Cancel" }));
  expect(radio("Ask me").checked).toBe(true);

  await fireEvent.click(radio("Allow mine"));
  await fireEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Allow mine" }));
  await waitFor(() => expect(radio("Allow mine").checked).toBe(true));
  expect(backend.asked).toEqual([["changeSettings", { approval: "same_user" }]]);
});

test("to be asked again takes one press", async () => {
  const backend = new FakeBackend();
  const where = { backend, settings: settings({ approval: "same_user" }), agent: agentStatus() };
  render(SettingsPage, {
    ...where,
    onchanged: () => Promise.resolve(),
    onpractice: vi.fn(),
    onimport: vi.fn(),
    onprograms: vi.fn(),
    onclose: vi.fn(),
  });
  await fireEvent.click(radio("Ask me"));
  expect(backend.asked).toEqual([["changeSettings", { approval: "ask" }]]);
});

test("starting at login is off until it is switched on, and shows what the system keeps", async () => {
  const backend = show();
  const login = await screen.findByRole<HTMLInputElement>("switch", { name: "Start at login" });
  expect(login.checked).toBe(false);
  await fireEvent.click(login);
  await waitFor(() => expect(login.checked).toBe(true));
  expect(backend.asked).toEqual([["startAtLogin", true]]);

  // Somebody switches it off elsewhere.
  backend.atLogin = false;
  backend.change();
  await waitFor(() => expect(login.checked).toBe(false));
});

test("Keybearer keeps running without a window until that is switched off", async () => {
  const backend = show();
  const keep = screen.getByRole<HTMLInputElement>("switch", { name: "Keep running when the window is closed" });
  expect(keep.checked).toBe(true);
  await fireEvent.click(keep);
  await waitFor(() => expect(keep.checked).toBe(false));
  expect(backend.asked).toEqual([["changeSettings", { keep_running: false }]]);
});

test("a start at login that can't be written goes back, and says why beside it", async () => {
  const backend = show();
  backend.failures = { startAtLogin: failure("storage_unavailable") };
  const login = await screen.findByRole<HTMLInputElement>("switch", { name: "Start at login" });
  await fireEvent.click(login);
  const note = await screen.findByRole("alert");
  expect(note.parentElement?.textContent).toContain("Starts in the tray, without a window");
  expect(login.checked).toBe(false);
});

test("Keybearer locks by itself only as the user chooses, each occasion for itself", async () => {
  const backend = show();
  expect(radio("Never").checked).toBe(true);
  await fireEvent.click(radio("15 min"));
  await waitFor(() => expect(radio("15 min").checked).toBe(true));
  const screenLock = screen.getByRole<HTMLInputElement>("switch", { name: "With the screen" });
  const sleep = screen.getByRole<HTMLInputElement>("switch", { name: "Before sleep" });
  await fireEvent.click(screenLock);
  await waitFor(() => expect(screenLock.checked).toBe(true));
  expect(sleep.checked).toBe(false);
  await fireEvent.click(radio("Never"));
  await waitFor(() => expect(radio("Never").checked).toBe(true));
  expect(backend.asked).toEqual([
    ["changeSettings", { auto_lock: { after_secs: 900 } }],
    ["changeSettings", { auto_lock: { with_screen: true } }],
    ["changeSettings", { auto_lock: { after_secs: 0 } }],
  ]);
  expect(screenLock.checked).toBe(true);
});

test("what can't be seen is told where it is chosen, and a time that the command chose is shown", () => {
  const backend = new FakeBackend();
  const chosen = settings({
    auto_lock: { after_secs: 90, with_screen: false, before_sleep: true },
    unseen: { screen: null, sleep: "this system has no logind" },
  });
  const where = { backend, settings: chosen, agent: agentStatus() };
  render(SettingsPage, {
    ...where,
    onchanged: () => Promise.resolve(),
    onpractice: vi.fn(),
    onimport: vi.fn(),
    onprograms: vi.fn(),
    onclose: vi.fn(),
  });
  expect(radio("90 s").checked).toBe(true);
  const sleep = screen.getByRole("switch", { name: "Before sleep" });
  expect(sleep.closest(".setting")?.textContent).toContain("Not possible now: this system has no logind");
  const screenLock = screen.getByRole("switch", { name: "With the screen" });
  expect(screenLock.closest(".setting")?.textContent).not.toContain("Not possible");
});

test("a change of the lock that is refused goes back, and says why beside it", async () => {
  const backend = show();
  backend.failures = { changeSettings: failure("storage_unavailable") };
  const sleep = screen.getByRole<HTMLInputElement>("switch", { name: "Before sleep" });
  await fireEvent.click(sleep);
  const note = await screen.findByRole("alert");
  expect(note.parentElement?.textContent).toContain("Before sleep");
  expect(sleep.checked).toBe(false);
});

test("the browser, the time to answer, changed programs and the log are chosen where they are shown", async () => {
  const backend = show();
  await fireEvent.click(await screen.findByRole("button", { name: "System default (Firefox)" }));
  await fireEvent.click(await screen.findByRole("menuitemradio", { name: "Firefox" }));
  await waitFor(() => expect(backend.current.browser).toBe("firefox.desktop"));
  await fireEvent.click(radio("2 min"));
  await waitFor(() => expect(backend.current.answer_within_secs).toBe(120));
  await fireEvent.click(radio("Deny"));
  await waitFor(() => expect(backend.current.changed_programs).toBe("deny"));
  await fireEvent.click(radio("Detailed"));
  await waitFor(() => expect(backend.current.log_detail).toBe("detailed"));
});

test("the keyring is called by its name, and what unlocks Keybearer is said", async () => {
  show();
  expect(await screen.findByText("GNOME Keyring, collection “Login”")).toBeTruthy();
  expect(screen.getByText("Unlock with").closest(".setting")?.textContent).toContain("This window");
});
