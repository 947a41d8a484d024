/** The views of an account's page, in their order. */
export const views = ["overview", "use", "programs", "activity"] as const;

export type View = (typeof views)[number];

/** What can be asked of the page of an account from outside: by a key, or in the palette. */
export type AccountAction =
  View | "test" | "refresh" | "copy_command" | "copy_token" | "rename" | "sign_out" | "remove";
