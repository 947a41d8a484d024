import { expect, test, vi } from "vitest";
import { tauriBackend } from "./backend";

vi.mock("@tauri-apps/api/core", () => ({ invoke: () => Promise.resolve({ page: null, notice: null }) }));
vi.mock("@tauri-apps/api/event", () => ({ listen: () => Promise.reject(new Error("not allowed")) }));

test("a window that may not listen is told so once", async () => {
  const onNotice = vi.fn();
  const stops = [tauriBackend.onChanged(vi.fn()), tauriBackend.onOpen(vi.fn()), tauriBackend.onNotice(onNotice)];
  await vi.waitFor(() => expect(onNotice).toHaveBeenCalledOnce());
  for (const stop of stops) stop();
  // A promise that is left rejected fails the whole run.
  await new Promise((resolve) => setTimeout(resolve));
  expect(onNotice.mock.calls[0]?.[0]).toMatchObject({ message: "Error: not allowed" });
});
