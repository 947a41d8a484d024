import { expect, test, vi } from "vitest";
import { readingOf } from "./reading.svelte";

test("a burst of changes costs one read more than the one in flight, and the last answer stays", async () => {
  const answers: ((value: string) => void)[] = [];
  const ask = vi.fn(() => new Promise<string>((resolve) => answers.push(resolve)));
  const reading = readingOf(ask);

  const reads = [reading.read(), reading.read(), reading.read()];
  answers[0]?.("old");
  await vi.waitFor(() => expect(ask).toHaveBeenCalledTimes(2));
  answers[1]?.("new");
  await Promise.all(reads);

  expect(reading.value).toBe("new");
  expect(ask).toHaveBeenCalledTimes(2);
});

test("a failure leaves what was read before, and a bare text becomes an error with that text", async () => {
  const ask = vi.fn<() => Promise<string>>().mockResolvedValueOnce("read").mockRejectedValueOnce("not allowed");
  const reading = readingOf(ask);
  await reading.read();
  await reading.read();
  expect(reading.value).toBe("read");
  expect(reading.error?.message).toBe("not allowed");
});
