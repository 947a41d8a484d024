/** What stands beside the list. */
export type Page =
  | { page: "list" }
  | { page: "account"; profile: string }
  | { page: "add"; address: string; start: boolean; details: boolean }
  | { page: "sign_in"; profile: string; start: boolean; added: boolean; register?: boolean }
  | { page: "test"; profile: string }
  | { page: "settings" };

/** The account that a page is about, if it is about one. */
export function profileOf(page: Page): string | null {
  return "profile" in page ? page.profile : null;
}
