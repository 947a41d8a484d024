import { expect, test, vi } from "vitest";
import { failure } from "../testing/samples";
import { Undoing } from "./undoing.svelte";

const took: string[] = [];
const done = (name: string, different = {}) => ({
  what: `${name} went`,
  takeBack: async () => {
    took.push(name);
    return `${name} is back`;
  },
  ...different,
});

test("the last is taken back first, and each only once", async () => {
  took.length = 0;
  const undoing = new Undoing();
  undoing.offer(done("a"));
  undoing.offer(done("b"));
  expect(undoing.text).toBe("b went");
  await undoing.undo();
  expect([undoing.text, undoing.open]).toEqual(["b is back", false]);
  await undoing.undo();
  await undoing.undo();
  expect(took).toEqual(["b", "a"]);
});

test("what lapses can't be had back later, and says so no longer", async () => {
  vi.useFakeTimers();
  try {
    took.length = 0;
    const undoing = new Undoing();
    undoing.offer(done("a", { withinMs: 30_000 }));
    vi.advanceTimersByTime(29_999);
    expect(undoing.open).toBe(true);
    vi.advanceTimersByTime(1);
    expect(undoing.text).toBeNull();
    await undoing.undo();
    expect(took).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

test("what was taken back on another road, and all of it behind the lock, is forgotten", async () => {
  took.length = 0;
  const undoing = new Undoing();
  const forget = undoing.offer(done("a"));
  forget();
  undoing.offer(done("b"));
  undoing.forget();
  expect(undoing.text).toBeNull();
  await undoing.undo();
  expect(took).toEqual([]);
});

test("a way back that fails says why", async () => {
  const undoing = new Undoing();
  undoing.offer(done("a", { takeBack: () => Promise.reject(failure("profile_not_found")) }));
  await undoing.undo();
  expect(undoing.error?.data.name).toBe("profile_not_found");
  undoing.dismiss();
  expect(undoing.error).toBeNull();
});
