import { expect, test } from "vitest";
import { account } from "../testing/samples";
import { rowsOf } from "./rows";

const stripe = "https://mcp.stripe.com";
const accounts = [
  account({ profile: "stripe-live", server_url: stripe, status: "signing_in" }),
  account({ profile: "notion", server_url: "https://mcp.notion.com/mcp" }),
  account({ profile: "a-stripe", server_url: stripe }),
  account({ profile: "zed", server_url: "https://mcp.zed.dev", status: "needs_sign_in" }),
];

function names(...[filter, search]: Parameters<typeof rowsOf> extends [unknown, ...infer Rest] ? Rest : never) {
  return rowsOf(accounts, filter, search).map(({ account, more }) => `${more ? "└ " : ""}${account.profile}`);
}

test("rows are sorted by name, and those of one server stand under its first", () => {
  expect(names("all", "")).toEqual(["a-stripe", "└ stripe-live", "notion", "zed"]);
});

test("the filter leaves those that need the user, in the same order", () => {
  expect(names("needs_you", "")).toEqual(["stripe-live", "zed"]);
});

test.each([
  ["ZED", ["zed"]],
  ["mcp.notion", ["notion"]],
  ["  stripe ", ["a-stripe", "└ stripe-live"]],
  ["nothing", []],
])("the search for %j looks at names and addresses", (search, expected) => {
  expect(names("all", search)).toEqual(expected);
});
