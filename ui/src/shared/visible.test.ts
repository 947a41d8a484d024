import { expect, test } from "vitest";
import { shortened, visible } from "./visible";

test.each([
  ["cli.js", "cli.js"],
  ["naïve 名称", "naïve 名称"],
  ["a\u202Egnp.exe", "a\\u{202e}gnp.exe"],
  ["two\nlines", "two\\u{a}lines"],
  ["zero\u200Bwidth", "zero\\u{200b}width"],
])("of %j everything can be seen", (text, expected) => {
  expect(visible(text)).toBe(expected);
});

test("a long path keeps its beginning and its file name", () => {
  expect(shortened("/usr/bin/node", 20)).toBe("/usr/bin/node");
  const short = shortened("/home/ada/projects/with/many/folders/agent/cli.js", 24);
  expect([...short]).toHaveLength(24);
  expect(short).toMatch(/^\/home\/.*….*\/cli\.js$/);
});
