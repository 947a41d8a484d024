import type { ErrorObject } from "../backend";

/** Something the user asked for: whether it is under way, and why it failed. */
export function attempt() {
  let busy = $state(false);
  let error = $state.raw<ErrorObject | null>(null);

  return {
    get busy() {
      return busy;
    },
    get error() {
      return error;
    },
    /** Tells whether it worked. A second call while the first is under way does nothing. */
    async run(action: () => Promise<unknown>): Promise<boolean> {
      if (busy) return false;
      busy = true;
      error = null;
      try {
        await action();
        return true;
      } catch (cause) {
        error = asError(cause);
        return false;
      } finally {
        busy = false;
      }
    },
    forget() {
      error = null;
    },
  };
}

/** Tauri itself rejects with a bare text, for example where a permission is missing. */
export function asError(cause: unknown): ErrorObject {
  if (typeof cause === "object" && cause !== null && "data" in cause) return cause as ErrorObject;
  return { code: -32603, message: String(cause), data: { name: "internal_error", retryable: false } };
}
