import { render, screen, within } from "@testing-library/svelte";
import { expect, test } from "vitest";
import AccountList from "./AccountList.svelte";
import { account, NOW } from "./testing";

const acme = account({ profile: "acme", label: "Acme Docs", status: "needs_sign_in" });
const linear = account({ profile: "linear", label: "Linear", expires_at: "2026-11-22T15:27:00Z" });

test("each row says the account’s name, its server and its state in words", () => {
  render(AccountList, { accounts: [linear], now: NOW });
  const row = within(screen.getByRole("listitem"));
  expect(row.getByText("Linear")).toBeTruthy();
  expect(row.getByText("https://mcp.linear.app/mcp")).toBeTruthy();
  expect(row.getByText("Connected · 42 min left")).toBeTruthy();
});

test("rows keep the agent’s order, whatever their state", () => {
  render(AccountList, { accounts: [linear, acme], now: NOW });
  const rows = screen.getAllByRole("listitem").map((row) => row.textContent);
  expect(rows[0]).toContain("Linear");
  expect(rows[1]).toContain("Acme Docs");
});

test("the heading counts the accounts that need the user, and is silent when none does", async () => {
  const { rerender } = render(AccountList, { accounts: [acme, linear], now: NOW });
  expect(screen.getByText("1 needs you")).toBeTruthy();
  await rerender({ accounts: [linear], now: NOW });
  expect(screen.queryByText(/need/)).toBeNull();
});
