import type { Draft } from "./add/draft";

/** What stands beside the list. */
export type Page =
  | { page: "list" }
  | { page: "account"; profile: string }
  | { page: "add"; draft: Draft; start: boolean; details: boolean }
  | { page: "sign_in"; profile: string; start: boolean; added: Draft | null; register?: boolean }
  | { page: "test"; profile: string; added: Draft }
  | { page: "activity" }
  | { page: "import" }
  | { page: "settings" }
  | { page: "programs" };

/** The account that a page is about, if it is about one. */
export function profileOf(page: Page): string | null {
  return "profile" in page ? page.profile : null;
}
