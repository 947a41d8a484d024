import { expect, test } from "vitest";
import type { AccountView } from "../backend";
import { accountsOf } from "./accounts.svelte";
import { account, FakeBackend } from "./testing";

test("of two answers that overtake each other, the one asked for last stays", async () => {
  const backend = new FakeBackend();
  const answers: ((accounts: AccountView[]) => void)[] = [];
  backend.listAccounts = () => new Promise((resolve) => answers.push(resolve));
  const accounts = accountsOf(backend);

  const reads = [accounts.read(), accounts.read()];
  answers[1]?.([account({ profile: "new" })]);
  answers[0]?.([account({ profile: "old" })]);
  await Promise.all(reads);

  expect(accounts.current).toMatchObject({ kind: "listed", accounts: [{ profile: "new" }] });
});

test("a rejection that is a bare text becomes an error with that text", async () => {
  const backend = new FakeBackend();
  backend.agentStatus = () => Promise.reject("agent_status not allowed");
  const accounts = accountsOf(backend);

  await accounts.read();

  expect(accounts.current).toMatchObject({ kind: "failed", error: { message: "agent_status not allowed" } });
});
