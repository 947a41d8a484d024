import { expect, test } from "vitest";
import { account, NOW } from "../testing/samples";
import { en } from "../texts/en";
import { groupsFor } from "./entries";

const accounts = [
  account({ profile: "github-work", server_url: "https://api.github.example/mcp", status: "needs_sign_in" }),
  account(),
  account({ profile: "linear-personal" }),
  account({ profile: "stripe-test", server_url: "https://mcp.stripe.example", auth: "bearer" }),
];

function found(search: string, paused = false): Record<string, string[]> {
  const groups = groupsFor(search, { accounts, paused, now: NOW, texts: en, locale: "en" });
  return Object.fromEntries(groups.map(({ heading, entries }) => [heading, entries.map(({ text }) => text)]));
}

test("without words each account leads to its page, and all commands follow", () => {
  const { Servers, Commands } = found("");
  expect(Servers).toEqual(["Show github-work", "Show linear-work", "Show linear-personal", "Show stripe-test"]);
  expect(Commands).toContain("Pause for 15 minutes");
  expect(Commands).not.toContain("Resume");
});

test("an account that is named has all that can be done with it, what is asked of the user first", () => {
  expect(found("git")["github-work"]?.slice(0, 3)).toEqual([
    "Sign in again to github-work",
    "Show github-work",
    "Copy helper command of github-work",
  ]);
});

test("words of an action find it for each account, narrowed by a name", () => {
  expect(Object.keys(found("refresh"))).toEqual(["github-work", "linear-work", "linear-personal"]);
  expect(found("personal refresh")).toEqual({ "linear-personal": ["Refresh token of linear-personal"] });
});

test("a key offers no refresh, no sign-in, no signing out and no access token", () => {
  const all = found("stripe")["stripe-test"]?.join("\n");
  expect(all).toContain("Test connection of stripe-test");
  for (const none of ["Refresh", "Sign", "Copy access token"]) expect(all).not.toContain(none);
});

test("a name that fits many accounts leads to their pages alone", () => {
  const many = Array.from({ length: 4 }, (_, at) => account({ profile: `team-${at}` }));
  const groups = groupsFor("team", { accounts: many, paused: false, now: NOW, texts: en, locale: "en" });
  expect(groups.map(({ entries }) => entries.length)).toEqual([1, 1, 1, 1]);
});

test("while paused there is Resume, and what fits nothing finds nothing", () => {
  expect(found("resume", true)).toEqual({ Commands: ["Resume"] });
  expect(found("no such thing")).toEqual({});
});
