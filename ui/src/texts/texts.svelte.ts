import { en, type Texts } from "./en";
import { zhCN } from "./zh-CN";

export type Locale = "en" | "zh-CN";

const catalogues: Record<Locale, Texts> = { en, "zh-CN": zhCN };

/** The catalogue for a language tag. Chinese written in traditional characters has none yet, so it reads English. */
export function localeFor(tag: string): Locale {
  try {
    const { language, script } = new Intl.Locale(tag).maximize();
    return language === "zh" && script === "Hans" ? "zh-CN" : "en";
  } catch {
    // Without a locale in its environment WebKitGTK calls the language "c", which Intl rejects.
    return "en";
  }
}

let locale = $state(localeFor(navigator.language));

/** The language of the window. A component that reads it here follows a change. */
export const language = {
  get locale(): Locale {
    return locale;
  },
  set locale(chosen: Locale) {
    locale = chosen;
  },
  get texts(): Texts {
    return catalogues[locale];
  },
};
