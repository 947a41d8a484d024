import { expect, test } from "vitest";
import { failure } from "../testing/samples";
import { en } from "../texts/en";
import { zhCN } from "../texts/zh-CN";
import { problemWords } from "./problemWords";

const what = (name: string, reason: string | null = null) => problemWords(failure(name, reason), "x.com", en).what;

test("each cause that a sign-in or a server can fail with has its own words, in both languages", () => {
  const causes: [string, string | null, RegExp][] = [
    ["provider_unreachable", "dns", /can’t be found/],
    ["provider_unreachable", "connect", /doesn’t accept the connection/],
    ["provider_unreachable", "timeout", /hasn’t answered/],
    ["tls_failure", "tls", /certificate of x\.com can’t be trusted/],
    ["not_mcp_server", null, /no MCP server at this address/],
    ["provider_error", "resource_metadata_missing", /doesn’t say how to sign in/],
    ["provider_error", "metadata_issuer_mismatch", /another name for itself/],
    ["provider_error", "registration_not_offered", /doesn’t accept new apps by itself/],
    ["auth_required", "authorization_refused", /said no in the browser/],
    ["usage", "state_mismatch", /belongs to another sign-in/],
    ["timeout", "lapsed", /browser hasn’t come back/],
    ["auth_required", "token_refused", /ended this sign-in/],
    ["provider_error", "invalid_client", /no longer knows this app/],
    ["scope_unavailable", "more_access_needed", /asks for more scopes/],
    ["scope_unavailable", "more_access_refused", /scopes that it doesn’t give/],
    ["provider_unreachable", "status", /answered with an error/],
    ["storage_unavailable", null, /keyring isn’t answering/],
    ["usage", "link_lost", /link didn’t come back/],
  ];
  for (const [name, reason, words] of causes) {
    expect(what(name, reason), reason ?? name).toMatch(words);
    const chinese = problemWords(failure(name, reason), "x.com", zhCN);
    expect(chinese, reason ?? name).not.toEqual(zhCN.problem.unknown("x.com"));
    expect(chinese.what, reason ?? name).toMatch(/\p{Script=Han}/u);
  }
});

test("a server that breaks off or says too much is not told as a client’s file", () => {
  expect(what("provider_unreachable", "broken")).toBe("x.com broke the connection off.");
  expect(what("provider_error", "too_large")).toBe("x.com answered with more than Keybearer reads.");
  expect(what("configuration_broken", "broken")).toBe("The file of x.com can’t be read as it is.");
});

test("a cause without words of its own is told by its kind, and an unknown kind plainly", () => {
  expect(what("auth_required", "no such reason")).toBe("x.com needs you to sign in.");
  expect(what("toString")).toBe("Something went wrong with x.com.");
});
