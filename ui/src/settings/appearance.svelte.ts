import type { Settings } from "../backend";
import { language, localeFor } from "../texts/texts.svelte";

/** Keeps language and theme of the page as the settings say, and as the system says until they are read. */
export function useAppearance(settings: () => Settings | null): void {
  $effect(() => {
    language.locale = settings()?.language ?? localeFor(navigator.language);
    document.documentElement.lang = language.locale;
  });
  $effect(() => {
    const theme = settings()?.theme ?? "system";
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  });
}
