import { fireEvent, render, screen } from "@testing-library/svelte";
import { expect, test } from "vitest";
import App from "./App.svelte";
import { account, agentStatus, backendError, FakeBackend } from "./accounts/testing";

test("without accounts the window says how to add the first server", async () => {
  render(App, { backend: new FakeBackend() });
  expect(await screen.findByRole("heading", { name: "Add your first server" })).toBeTruthy();
  expect(screen.getByText(/^keybearer add https:/)).toBeTruthy();
});

test("with accounts the window lists them", async () => {
  const backend = new FakeBackend();
  backend.accounts = [account({ label: "Linear" })];
  render(App, { backend });
  expect(await screen.findByRole("heading", { name: "Servers" })).toBeTruthy();
  expect(screen.getByText("Linear")).toBeTruthy();
});

test("an agent that doesn’t answer is named, and Try again asks it once more", async () => {
  const backend = new FakeBackend();
  backend.failure = backendError("agent_unreachable");
  render(App, { backend });
  expect((await screen.findByRole("alert")).textContent).toContain("Keybearer’s agent isn’t answering.");

  backend.failure = null;
  await fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("heading", { name: "Add your first server" })).toBeTruthy();
});

test("an account that was added elsewhere appears when the window gets the focus", async () => {
  const backend = new FakeBackend();
  render(App, { backend });
  await screen.findByRole("heading", { name: "Add your first server" });

  backend.accounts = [account({ label: "Linear" })];
  await fireEvent.focus(window);
  expect(await screen.findByText("Linear")).toBeTruthy();
});

test("a locked keyring is said above the list, which stays", async () => {
  const backend = new FakeBackend();
  backend.accounts = [account({ label: "Linear", status: "locked" })];
  backend.agent = agentStatus({ vault: "locked" });
  render(App, { backend });
  expect(await screen.findByText("Linear")).toBeTruthy();
  expect(screen.getByRole("status").textContent).toContain("The system keyring is locked.");
});

test("a configuration that can’t be read is no first run", async () => {
  const backend = new FakeBackend();
  backend.agent = agentStatus({ configuration_problem: "line 3, column 7: expected a comma" });
  render(App, { backend });
  expect(await screen.findByText("line 3, column 7: expected a comma")).toBeTruthy();
  expect(screen.queryByRole("heading", { name: "Add your first server" })).toBeNull();
});
