import { expect, test } from "vitest";
import { localeFor } from "./texts.svelte";

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
