import { expect, test } from "vitest";
import { readAddress } from "./address";

const url = "https://mcp.linear.app/mcp";

test.each([
  [url, { url, name: null }],
  [`  ${url}\n`, { url, name: null }],
  ["mcp.linear.app/mcp", { url, name: null }],
  ["localhost:8080/mcp", { url: "https://localhost:8080/mcp", name: null }],
  ["http://127.0.0.1:9000/mcp", { url: "http://127.0.0.1:9000/mcp", name: null }],
  [`{"mcpServers":{"linear":{"type":"http","url":"${url}"}}}`, { url, name: "linear" }],
  [`"linear": {"url": "${url}"},`, { url, name: "linear" }],
  [`{"servers":{"work":{"serverUrl":"${url}"}}}`, { url, name: "work" }],
  [`{"mcpServers":{"files":{"command":"npx"},"linear":{"url":"${url}"}}}`, { url, name: "linear" }],
  [`claude mcp add --transport http linear ${url}`, { url, name: "linear" }],
  [
    `claude mcp add -t http -H "X-Key: a b" linear "${url}" --scope user`,
    { url, name: "linear", header: { name: "X-Key", scheme: null } },
  ],
  [
    `claude mcp add --header='authorization: Basic a' -H "X-Key: a" linear ${url}`,
    { url, name: "linear", header: { name: "authorization", scheme: "basic" } },
  ],
  [
    `{"linear":{"url":"${url}","http_headers":{"X-Key":"a","Authorization":"Bearer b"}}}`,
    { url, name: "linear", header: { name: "Authorization", scheme: "bearer" } },
  ],
  [`claude mcp add \\\n  --transport http \\\n  linear ${url}`, { url, name: "linear" }],
  [`see ${url}`, { url, name: null }],
])("%j names a server", (text, expected) => {
  expect(readAddress(text)).toEqual(expected);
});

test.each(["", "  ", "{", "ftp://example.com", "https://", '{"mcpServers":{"files":{"command":"npx"}}}', "no address"])(
  "%j names none",
  (text) => {
    expect(readAddress(text)).toBeNull();
  },
);
