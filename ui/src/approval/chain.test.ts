import { expect, test } from "vitest";
import { shortChain } from "./chain";

const chain = (length: number, remembered: number) =>
  Array.from({ length }, (_, at) => ({ pid: at, name: `p${at}`, remembered: at === remembered }));

test.each([
  [4, 2, ["p0", "p1", "p2", "p3"]],
  [9, 7, ["p0", "…", "p7", "p8"]],
  [9, 4, ["p0", "…", "p4", "p8"]],
  [9, 1, ["p0", "p1", "…", "p8"]],
  [9, 0, ["p0", "…", "p8"]],
  [9, 8, ["p0", "…", "p8"]],
  [9, -1, ["p0", "…", "p8"]],
])("of %d processes with number %d remembered, four rows at most are left", (length, remembered, rows) => {
  expect(shortChain(chain(length, remembered)).map((link) => link?.name ?? "…")).toEqual(rows);
});
