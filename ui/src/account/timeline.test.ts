import { expect, test } from "vitest";
import { inMinutes, NOW, timeline } from "../testing/samples";
import { en } from "../texts/en";
import { Axis, timelineSentence } from "./timeline";

const at = (hours: number) => inMinutes(hours * 60, NOW);
const span = (from: number, until: number) => ({ from: at(from), until: at(until) });
const clock = (hours: number) =>
  new Date(at(hours)).toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const day = timeline({
  since: at(-24),
  valid: [span(-23, -22), span(-1, 0.5)],
  retried: [at(-20)],
  asleep: [span(-19, -9)],
  next: span(0.4, 1.5),
});

test("the sentence tells those who don't see the drawing the same", () => {
  expect(timelineSentence(day, en, "en")).toBe(
    `Last 24 hours: 2 tokens, 1 retry at ${clock(-20)}, computer asleep from ${clock(-19)} to ${clock(-9)}. Next refresh at ${clock(0.4)}.`,
  );
  const empty = timeline({ since: at(-24), valid: [], retried: [], asleep: [], next: null });
  expect(timelineSentence(empty, en, "en")).toBe("Last 24 hours: no token.");
});

test("the axis goes a day back and two hours ahead, and nothing stands beyond it", () => {
  const axis = new Axis(day, NOW);
  expect(axis.at(at(-24))).toBe(0);
  expect(axis.at(NOW)).toBeCloseTo((24 / 26) * 100);
  expect(axis.over(span(-30, 5))).toEqual({ left: 0, width: 100 });
});

test("its labels are hours of the clock, with room between them and the ends", () => {
  const labels = new Axis(day, NOW).labels(en, "en");
  expect(labels.at(-1)?.text).toBe("now");
  for (const { text } of labels.slice(1, -1)) expect(text).toMatch(/^(00|06|12|18):00$/);
  const places = labels.map((label) => label.at);
  for (const [index, place] of places.slice(1).entries()) expect(place - (places[index] ?? 0)).toBeGreaterThan(5);
});
