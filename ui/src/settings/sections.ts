import type { IconName } from "../shared/icons";

/** The sections of the settings, in their order on the page. */
export const sections = [
  "general",
  "locking",
  "approvals",
  "signIn",
  "storage",
  "transfer",
  "diagnostics",
  "about",
] as const;

export type Section = (typeof sections)[number];

export const sectionIcons: Record<Section, IconName> = {
  general: "gear",
  locking: "lock",
  approvals: "shield",
  signIn: "globe",
  storage: "key",
  transfer: "swap",
  diagnostics: "bug",
  about: "info",
};

/** The id of a section's heading. */
export function headingOf(section: Section): string {
  return `settings-${section}`;
}

/** The section that is read: the last whose heading has come up to the top, or else the first. */
export function sectionAt(tops: number[], reached: number): Section {
  const passed = tops.filter((top) => top <= reached).length;
  return sections[Math.max(passed, 1) - 1] ?? "general";
}
