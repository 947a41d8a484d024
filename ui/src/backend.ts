// The one file that talks to Tauri. Everything else gets a Backend handed to it, so tests and other hosts bring their own.

import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { commandsOver, eventsOver, type Commands, type ErrorObject, type OpenPage, type Opening } from "./bindings";
import { asError } from "./shared/attempt.svelte";

export type * from "./bindings";

/** What the window can ask for, and what it is told unasked. Each `on…` returns how to stop listening. */
export interface Backend extends Omit<Commands, "opening"> {
  /** Something of accounts, sign-ins, prompts, settings or the lock changed: read again what is shown. */
  onChanged(heard: () => void): () => void;
  /** Somebody outside the page asks for a page: the tray, or a callback that has come. */
  onOpen(heard: (page: OpenPage) => void): () => void;
  /** Something that the user asked for outside the page went wrong. */
  onNotice(heard: (error: ErrorObject) => void): () => void;
}

const { opening, ...commands } = commandsOver(invoke);
const events = eventsOver(listen);

/** The agent, through the commands of `src-tauri`. */
export const tauriBackend: Backend = {
  ...commands,
  onChanged: (heard) => stopping(events.changed(heard)),
  onOpen: (heard) => {
    const listening = events.openPage(heard);
    // Why this fails is told as a notice.
    missed(listening).then(
      ({ page }) => page && heard(page),
      () => undefined,
    );
    return stopping(listening);
  },
  onNotice: (heard) => {
    const listening = events.notice(heard);
    missed(listening).then(
      ({ notice }) => notice && heard(notice),
      (cause) => heard(asError(cause)),
    );
    return stopping(listening);
  },
};

let listeners: Promise<unknown>[] = [];
let asked: Promise<Opening> | null = null;

/** What came before this page could listen. It is told once, so it is asked for when all listeners are in place. */
function missed(listening: Promise<unknown>): Promise<Opening> {
  listeners = [...listeners, listening];
  return (asked ??= Promise.resolve()
    .then(() => Promise.all(listeners))
    .then(opening));
}

function stopping(listening: Promise<() => void>): () => void {
  // Without a listener there is none to stop.
  const stop = listening.catch(() => () => undefined);
  return () => void stop.then((stop) => stop());
}
