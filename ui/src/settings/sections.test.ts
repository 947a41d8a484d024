import { expect, test } from "vitest";
import { sectionAt, sections } from "./sections";

test("the section that is read is the last that has come up to the top", () => {
  const tops = (first: number) => sections.map((_, at) => first + at * 200);
  expect(sectionAt(tops(60), 96)).toBe("general");
  expect(sectionAt(tops(-110), 96)).toBe("locking");
  expect(sectionAt(tops(-9000), 96)).toBe("about");
  expect(sectionAt(tops(500), 96)).toBe("general");
});
