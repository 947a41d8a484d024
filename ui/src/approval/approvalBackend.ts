import type { Backend } from "../backend";

/** All that the approval window may ask for. */
export type ApprovalBackend = Pick<Backend, "prompts" | "answerPrompt" | "settings" | "onChanged">;
