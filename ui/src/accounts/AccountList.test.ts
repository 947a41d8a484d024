import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import { account, inMinutes } from "../testing/samples";
import AccountList from "./AccountList.svelte";

const accounts = [
  account({ profile: "acme", server_url: "https://acme.example/mcp", status: "needs_sign_in" }),
  account({ profile: "linear", expires_at: inMinutes(42.5) }),
  account({ profile: "notion", server_url: "https://mcp.notion.com/mcp" }),
];

function show(selected: string | null = null) {
  const onopen = vi.fn();
  const onadd = vi.fn();
  render(AccountList, { accounts, selected, onopen, onadd });
  return { onopen, onadd };
}

const rows = () => screen.getAllByRole("option").map((row) => row.textContent);

test("each row says the account’s name, its server and its state in words", () => {
  show();
  expect(screen.getByRole("option", { name: "linear mcp.linear.app Connected · 42 min left" })).toBeTruthy();
});

test("Tab stops once, at the open account, and the keys move from there", async () => {
  const { onopen } = show("linear");
  const reachable = screen.getAllByRole("option").filter((row) => row.tabIndex === 0);
  expect(reachable).toHaveLength(1);
  reachable[0]?.focus();
  const list = screen.getByRole("listbox", { name: "Servers" });
  const press = (key: string) => fireEvent.keyDown(list, { key });
  const focused = () => document.activeElement?.textContent;

  await press("ArrowDown");
  expect(focused()).toContain("notion");
  await press("ArrowDown");
  expect(focused()).toContain("notion");
  await press("Home");
  expect(focused()).toContain("acme");
  await press("End");
  await press("ArrowUp");
  expect(focused()).toContain("linear");
  await press("n");
  expect(focused()).toContain("notion");
  await press("L");
  expect(focused()).toContain("linear");
  await press("Enter");
  expect(onopen).toHaveBeenCalledExactlyOnceWith("linear");
});

test("Needs you narrows the list, and says so when nothing does", async () => {
  show();
  await fireEvent.click(screen.getByRole("radio", { name: "Needs you 1" }));
  expect(rows()).toHaveLength(1);
  expect(rows()[0]).toContain("acme");
});

test("the search narrows the list, and Esc clears it", async () => {
  show();
  const search = screen.getByRole("searchbox", { name: "Search servers" });
  await fireEvent.input(search, { target: { value: "nowhere" } });
  expect(screen.queryAllByRole("option")).toHaveLength(0);
  expect(screen.getByText("No server has this name or address.")).toBeTruthy();
  await fireEvent.keyDown(search, { key: "Escape" });
  expect(rows()).toHaveLength(3);
});

test("the button adds a server", async () => {
  const { onadd } = show();
  await fireEvent.click(screen.getByRole("button", { name: "Add server (Ctrl N)" }));
  expect(onadd).toHaveBeenCalledOnce();
});

test("Needs you carries a sign only while something does", async () => {
  show();
  const label = screen.getByRole("radio", { name: "Needs you 1" }).closest("label");
  expect(label?.querySelector("svg")).toBeTruthy();
  cleanup();
  render(AccountList, { accounts: [account()], selected: null, onopen: vi.fn(), onadd: vi.fn() });
  expect(screen.getByRole("radio", { name: "Needs you 0" }).closest("label")?.querySelector("svg")).toBeNull();
});
