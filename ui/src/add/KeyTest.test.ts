import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import type { AuthType } from "../backend";
import { FakeBackend } from "../testing/fakeBackend";
import { account, failure } from "../testing/samples";
import { draftOf, type Draft } from "./draft";
import { Undoing } from "../undo/undoing.svelte";
import KeyTest from "./KeyTest.svelte";

function show(auth: AuthType, backend = new FakeBackend()) {
  const added: Draft = draftOf("https://mcp.linear.app/mcp");
  added.method.auth = auth;
  const calls = { onaccount: vi.fn(), onedit: vi.fn() };
  const { rerender } = render(KeyTest, {
    backend,
    undoing: new Undoing(),
    profile: "linear-work",
    account: undefined,
    added,
    ...calls,
  });
  return { backend, added, rerender, ...calls };
}

const steps = () => screen.getAllByRole("heading", { level: 2 }).map((step) => step.textContent);

test("the test is made once, whatever changes afterwards", async () => {
  const { backend, rerender } = show("bearer");
  await rerender({ account: account({ status: "needs_sign_in" }) });
  backend.change();
  await rerender({ account: account() });
  expect(await screen.findByRole("heading", { name: "linear-work is ready" })).toBeTruthy();
  expect(backend.asked).toEqual([["testAccount", "linear-work"]]);
});

test("a server without sign-in has no key to save", () => {
  const backend = new FakeBackend();
  backend.testAccount = () => new Promise(() => undefined);
  show("none", backend);
  expect(steps()).toEqual(["Test: list tools, running"]);
});

test("a key that doesn’t work leads back to the form as it was, without the key", async () => {
  const backend = new FakeBackend();
  backend.failures = { testAccount: failure("auth_required") };
  const { added, onedit } = show("header", backend);
  expect(steps()).toHaveLength(2);
  await fireEvent.click(await screen.findByRole("button", { name: "Edit address" }));
  await waitFor(() => expect(onedit).toHaveBeenCalledWith(added, { details: true }));
  expect(backend.asked.at(-1)).toEqual(["removeAccount", "linear-work"]);
});
