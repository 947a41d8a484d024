import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import type { ServerFound } from "../backend";
import { FakeBackend } from "../testing/fakeBackend";
import { failure, serverFound } from "../testing/samples";
import ImportPage from "./ImportPage.svelte";

const linear = serverFound();
const sentry = serverFound({ server_url: "https://mcp.sentry.dev/mcp", name: "sentry" });

async function show(...servers: ServerFound[]) {
  const backend = new FakeBackend();
  backend.found = { ...backend.found, servers };
  const onimported = vi.fn();
  render(ImportPage, { backend, onimported });
  await screen.findByRole("heading", { level: 2 });
  return { backend, onimported };
}

const box = (name: RegExp) => screen.getByRole<HTMLInputElement>("checkbox", { name });
const importButton = () => screen.getByRole("button", { name: /^Import( \d|$)/ });
const added = (backend: FakeBackend) => backend.list.map(({ profile, server_url }) => [profile, server_url]);

test("what is chosen becomes accounts, without a sign-in and without a token", async () => {
  const { backend, onimported } = await show(linear, sentry);
  expect(importButton().textContent).toContain("Import 2 servers");
  await fireEvent.click(box(/linear/));
  await fireEvent.click(importButton());
  await waitFor(() => expect(onimported).toHaveBeenCalledExactlyOnceWith(["sentry"]));
  expect(added(backend)).toEqual([["sentry", "https://mcp.sentry.dev/mcp"]]);
  const [[, account] = []] = backend.asked;
  expect(account).toMatchObject({ auth: "auto", secret: null });
});

test("all can be left out and chosen again with one press", async () => {
  await show(linear, sentry);
  await fireEvent.click(screen.getByRole("button", { name: "Clear selection" }));
  expect(importButton().hasAttribute("disabled")).toBe(true);
  await fireEvent.click(screen.getByRole("button", { name: "Select all" }));
  expect(box(/sentry/).checked).toBe(true);
  expect(importButton().textContent).toContain("Import 2 servers");
});

test("a server that is here already isn’t added again, and a token in plain text is named", async () => {
  const found = linear.found.map((place) => ({ ...place, plain_text: [{ part: "header" as const, name: "X-Key" }] }));
  await show({ ...linear, found }, { ...sentry, profile: "my-sentry" });
  expect(screen.getByText("Token in plain text")).toBeTruthy();
  expect(screen.getByText("Here already, as my-sentry")).toBeTruthy();
  expect(box(/sentry/).disabled).toBe(true);
  expect(importButton().textContent).toContain("Import 1 server");
});

test("what was added before a failure isn’t offered again", async () => {
  const { backend, onimported } = await show(linear, sentry);
  backend.failures = { addAccount: failure("storage_full") };
  await fireEvent.click(importButton());
  expect(await screen.findByText("There is no room left on this computer’s disk.")).toBeTruthy();
  expect(onimported).not.toHaveBeenCalled();
  backend.failures = {};
  backend.found = { ...backend.found, servers: [{ ...linear, profile: "linear" }, sentry] };
  backend.change();
  await waitFor(() => expect(importButton().textContent).toContain("Import 1 server"));
});
