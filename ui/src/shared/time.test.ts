import { expect, test } from "vitest";
import { NOW } from "../testing/samples";
import { en } from "../texts/en";
import { zhCN } from "../texts/zh-CN";
import { agoWords, DAY_MS, HOUR_MS, MINUTE_MS, spanWords, tookWords } from "./time";

test.each([
  [59_999, "59 s", "59 秒"],
  [42.9 * MINUTE_MS, "42 min", "42 分钟"],
  [HOUR_MS, "1 h", "1 小时"],
  [72 * MINUTE_MS, "1 h 12 min", "1 小时 12 分钟"],
  [2.5 * DAY_MS, "2 days", "2 天"],
  [-5, "0 s", "0 秒"],
])("%d ms are rounded down", (ms, english, chinese) => {
  expect(spanWords(ms, en)).toBe(english);
  expect(spanWords(ms, zhCN)).toBe(chinese);
});

test("what was waited for is told to a tenth of a second", () => {
  const took = [40, 940, 1_840, 59_949, 61_000].map((ms) => tookWords(ms, en));
  expect(took).toEqual(["40 ms", "940 ms", "1.8 s", "59.9 s", "1 min"]);
});

test("what was is told in words up to a day, then by its date", () => {
  const ago = (ms: number) => agoWords(new Date(NOW - ms).toISOString(), NOW, en, "en");
  expect(ago(5_000)).toBe("just now");
  expect(ago(18 * MINUTE_MS)).toBe("18 min ago");
  expect(ago(3 * DAY_MS)).toBe("Nov 19");
});
