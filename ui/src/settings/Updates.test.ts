import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { FakeBackend } from "../testing/fakeBackend";
import { failure } from "../testing/samples";
import Updates from "./Updates.svelte";

const press = async (name: string) => fireEvent.click(await screen.findByRole("button", { name }));

function show(newer: string | null) {
  const backend = new FakeBackend();
  backend.ownUpdates = true;
  backend.newer = newer;
  render(Updates, { backend });
  return backend;
}

test("where a package brings newer versions, there is nothing to press", async () => {
  const backend = new FakeBackend();
  render(Updates, { backend });
  expect(await screen.findByText(/Whoever installed Keybearer/)).toBeTruthy();
  expect(screen.queryByRole("button")).toBeNull();
  expect(backend.asked).toEqual([]);
});

test("nobody is asked for a newer version before the button is pressed", async () => {
  const backend = show("0.2.0");
  await screen.findByRole("button", { name: "Look for updates" });
  expect(backend.asked).toEqual([]);
  await press("Look for updates");
  await waitFor(() => expect(screen.getByRole("status").textContent).toContain("0.2.0"));
  await press("Install and restart");
  await waitFor(() => expect(backend.asked).toEqual([["findUpdate"], ["installUpdate"]]));
});

test("the newest version says that it is", async () => {
  show(null);
  await press("Look for updates");
  await waitFor(() => expect(screen.getByRole("status").textContent).toContain("newest"));
  expect(screen.queryByRole("button", { name: "Install and restart" })).toBeNull();
});

test("a version with a wrong signature is not offered", async () => {
  const backend = show("0.2.0");
  backend.failures = { findUpdate: failure("provider_error", "update_refused") };
  await press("Look for updates");
  expect((await screen.findByRole("alert")).textContent).toContain("isn’t signed");
  expect(screen.queryByRole("button", { name: "Install and restart" })).toBeNull();
});
