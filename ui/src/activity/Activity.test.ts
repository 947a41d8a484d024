import { fireEvent, render, screen, within } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import type { ActivityRow } from "../backend";
import { FakeBackend } from "../testing/fakeBackend";
import { failure, happened } from "../testing/samples";
import Activity from "./Activity.svelte";

function show(rows: ActivityRow[], profile: string | null = null) {
  const backend = new FakeBackend();
  backend.happened = rows;
  render(Activity, { backend, profile });
  return { backend };
}

/** What a wide window shows: in a narrow one, who it was stands below what happened. */
function textOf(cell: HTMLElement): string {
  const copy = cell.cloneNode(true) as HTMLElement;
  copy.querySelector(".below")?.remove();
  return copy.textContent.trim();
}

const lines = () =>
  within(screen.getByRole("table"))
    .getAllByRole("row")
    .slice(1)
    .map((row) => within(row).getAllByRole("cell").slice(1).map(textOf).join(" | "));

test("each row says what happened, to which account, and who it was", async () => {
  show([
    happened(4, { kind: "protection_changed", profile: null, cause: "approval_same_user" }),
    happened(3, { kind: "refused", error: "consent_denied", cause: "unanswered", profile: "notion" }),
    happened(2, { kind: "refresh_failed", caller: null, error: "provider_unreachable" }),
    happened(1, { calls: 99, reason: "to triage" }),
  ]);
  await screen.findByRole("table");
  expect(lines()).toEqual([
    "Protection changed: all your programs may, unasked |  | cli.js · process 48213",
    "Request refused: you said no, or nothing in time | notion | cli.js · process 48213",
    "Refresh failed: the server couldn’t be reached | linear-work | Keybearer",
    "Access token given · 99 times “to triage” | linear-work | cli.js · process 48213",
  ]);
});

test("what happens now appears above the rest", async () => {
  const { backend } = show([happened(1)]);
  await screen.findByRole("table");
  backend.happen(happened(2, { kind: "locked" }));
  expect(await screen.findByText("Locked")).toBeTruthy();
  expect(lines().map((line) => line.split(" | ")[0])).toEqual(["Locked", "Access token given"]);
  backend.happen(happened(3, { kind: "unlocked" }));
  expect(await screen.findByText("Unlocked")).toBeTruthy();
  expect(lines().length).toBe(3);
});

test("a choice shows rows of its kinds alone, also of those that come", async () => {
  const { backend } = show([happened(2, { kind: "signed_in" }), happened(1)]);
  await screen.findByText("Signed in");
  await fireEvent.click(screen.getByRole("radio", { name: "Tokens given" }));
  expect(await screen.findByText("Access token given")).toBeTruthy();
  expect(lines().length).toBe(1);
  await fireEvent.click(screen.getByRole("radio", { name: "Refreshes" }));
  expect(await screen.findByText("Nothing of this kind has happened.")).toBeTruthy();
  backend.happen(happened(3, { kind: "locked" }));
  backend.happen(happened(4, { kind: "token_refreshed", caller: null }));
  expect(await screen.findByText("Token refreshed")).toBeTruthy();
  expect(lines().length).toBe(1);
});

test("older rows come when they are asked for", async () => {
  show(Array.from({ length: 60 }, (_, index) => happened(60 - index)));
  // Counted as they stand: to look for so many by their role takes seconds.
  const count = () => document.querySelectorAll("tbody tr").length;
  await vi.waitFor(() => expect(count()).toBe(50));
  await fireEvent.click(screen.getByText("Show older"));
  await vi.waitFor(() => expect(count()).toBe(60));
  expect(screen.queryByText("Show older")).toBeNull();
});

test("an account has its own rows", async () => {
  show([happened(2, { profile: "notion" }), happened(1)], "linear-work");
  await screen.findByRole("table");
  expect(lines().length).toBe(1);
});

test("names that programs give themselves can’t reorder the line", async () => {
  show([happened(1, { reason: "safe\u202Egnp", kind: "token_given" })]);
  await screen.findByRole("table");
  expect(document.body.textContent).not.toContain("\u202E");
});

test("a record that can’t be read says so, and is read again with the next news", async () => {
  const backend = new FakeBackend();
  backend.failures.activity = failure("storage_unavailable");
  render(Activity, { backend, profile: null });
  expect(await screen.findByRole("alert")).toBeTruthy();
  backend.failures = {};
  backend.happened = [happened(1)];
  backend.change();
  expect(await screen.findByText("Access token given")).toBeTruthy();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("the record is exported into a file that the person chooses, of the account that is shown", async () => {
  const { backend } = show([happened(1)], "linear-work");
  backend.chosenFile = "/home/ada/keybearer-activity.jsonl";
  await fireEvent.click(await screen.findByRole("button", { name: "Export…" }));
  expect(await screen.findByText("Saved in /home/ada/keybearer-activity.jsonl.")).toBeTruthy();
  expect(backend.asked).toEqual([["exportActivity", "linear-work"]]);
});
