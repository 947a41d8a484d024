import { expect, test } from "vitest";
import { shortened, visible } from "./visible";

test.each([
  ["cli.js", "cli.js"],
  ["naïve 名称", "naïve 名称"],
  ["a\u202Egnp.exe", "a\\u{202e}gnp.exe"],
  ["two\nlines", "two\\u{a}lines"],
  ["zero\u200Bwidth", "zero\\u{200b}width"],
  ["no\u00a0break\u3000space", "no\\u{a0}break\\u{3000}space"],
  ["\u2800\u3164\u115f\u034f", "\\u{2800}\\u{3164}\\u{115f}\\u{34f}"],
  ["v\ufe0f\u{e0100}", "v\\u{fe0f}\\u{e0100}"],
  ["\ud800", "\\u{d800}"],
  ["e\u0301\u0323", "e\u0301\u0323"],
  ["e\u0301\u0301\u0301", "e\\u{301}\\u{301}\\u{301}"],
  ["a\u05d0b", "a\\u{5d0}b"],
  ["\u0627\u0710\u0780\u07ca\u{1e900}", "\\u{627}\\u{710}\\u{780}\\u{7ca}\\u{1e900}"],
])("of %j everything can be seen", (text, expected) => {
  expect(visible(text)).toBe(expected);
});

test("a long path keeps its beginning and its file name", () => {
  expect(shortened("/usr/bin/node", 20)).toBe("/usr/bin/node");
  const short = shortened("/home/ada/projects/with/many/folders/agent/cli.js", 24);
  expect([...short]).toHaveLength(24);
  expect(short).toMatch(/^\/home\/.*….*\/cli\.js$/);
});
