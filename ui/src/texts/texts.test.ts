import { expect, test } from "vitest";
import { en } from "./en";
import { localeFor } from "./texts.svelte";
import { zhCN } from "./zh-CN";

test.each([
  ["en-GB", "en"],
  ["zh", "zh-CN"],
  ["zh-CN", "zh-CN"],
  ["zh-SG", "zh-CN"],
  ["zh-Hans-HK", "zh-CN"],
  ["zh-TW", "en"],
  ["de", "en"],
  ["c", "en"],
  ["", "en"],
])("the language %s reads the catalogue %s", (tag, locale) => {
  expect(localeFor(tag)).toBe(locale);
});

test("the languages have the same texts, and none is empty", () => {
  const paths = (texts: object, at = ""): string[] =>
    Object.entries(texts).flatMap(([key, text]) => {
      if (typeof text === "object") return paths(text, `${at}.${key}`);
      expect(text).not.toBe("");
      return [`${at}.${key}`];
    });
  expect(paths(zhCN)).toEqual(paths(en));
});
