// The contrast that WCAG 2.2 wants, computed from the colours themselves in both themes: 4.5 for what is read (1.4.3), 3
// for what shows where a control is, where the focus is, and how something stands (1.4.11).

import { describe, expect, test } from "vitest";
import theme from "./theme.css?raw";

const styles = import.meta.glob<string>("./**/*.svelte", { query: "?raw", import: "default", eager: true });

/** Whose tints say nothing but which server it is, and are looked at here like the theme's. */
const TILE = "./shared/Tile.svelte";

type Colour = readonly [red: number, green: number, blue: number];

/** What lies under texts and controls. */
const GROUNDS = ["bg", "side", "surface", "inset", "hover", "sel"];
const TONES = ["ok", "warn", "bad", "busy", "mute"];

/** What is read, and on what. */
const READ: Record<string, string[]> = {
  text: [...GROUNDS, "accent-soft", "mute-soft", ...TONES.map((tone) => `${tone}-soft`)],
  "text-2": [...GROUNDS, "mute-soft", ...TONES.map((tone) => `${tone}-soft`)],
  "text-3": GROUNDS,
  "accent-text": [...GROUNDS, "accent-soft", ...TONES.map((tone) => `${tone}-soft`)],
  "on-accent": ["accent", "accent-hover"],
  ok: [...GROUNDS, "ok-soft"],
  warn: [...GROUNDS, "warn-soft"],
  bad: [...GROUNDS, "bad-soft"],
  busy: [...GROUNDS, "busy-soft"],
  mute: [...GROUNDS, "mute-soft"],
};

/** What is seen without being read: edges, rings, what a switch slides on. */
const SEEN: Record<string, string[]> = {
  "line-control": [...GROUNDS, "mute-soft"],
  accent: ["bg", "side", "surface", "inset"],
};

/** Lines between things that stand apart anyway, grounds, and what lies over all that isn't to be used. */
const FREE = new Set([
  "line",
  "scrim",
  ...GROUNDS,
  ...TONES.map((tone) => `${tone}-soft`),
  "accent-soft",
  "accent-hover",
]);

/** The variables that a piece of CSS declares. */
function declaredIn(css: string): Map<string, string> {
  return new Map(
    [...css.matchAll(/^\s+--([a-z0-9-]+):\s*([^;]+);/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
}

// The first block is the theme; what follows bends it where a person wishes for more.
const declared = declaredIn(/:root \{([^}]*)\}/.exec(theme)?.[1] ?? "");

/** The colour of this name in a theme. */
function colour(name: string, dark: boolean, from = declared): Colour {
  const value = from.get(name) ?? "";
  const other = /^var\(--([a-z0-9-]+)\)$/.exec(value);
  if (other?.[1]) return colour(other[1], dark, from);
  const both = /^light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)$/.exec(value);
  const hex = both ? both[dark ? 2 : 1] : /^#[0-9a-f]{6}$/.exec(value)?.[0];
  if (hex === undefined) throw new Error(`--${name} is no colour: ${value}`);
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return [red, green, blue];
}

/** Relative luminance, as WCAG defines it. */
function luminance(of: Colour): number {
  const [red = 0, green = 0, blue = 0] = of.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Colour, other: Colour): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** The pairs that are closer than they may be. */
function misses(pairs: Record<string, string[]>, least: number, dark: boolean): string[] {
  return Object.entries(pairs).flatMap(([over, grounds]) =>
    grounds
      .map((ground) => ({ ground, is: contrast(colour(over, dark), colour(ground, dark)) }))
      .filter(({ is }) => is < least)
      .map(({ ground, is }) => `${over} on ${ground}: ${is.toFixed(2)}`),
  );
}

test("contrast is what WCAG's own examples say", () => {
  expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 5);
  expect(contrast([0x77, 0x77, 0x77], [255, 255, 255])).toBeCloseTo(4.48, 2);
});

describe.each([
  ["light", false],
  ["dark", true],
])("in the %s theme", (_, dark) => {
  test("what is read stands out by 4.5", () => expect(misses(READ, 4.5, dark)).toEqual([]));
  test("what is seen stands out by 3", () => expect(misses(SEEN, 3, dark)).toEqual([]));
  test("the letters of each tile stand out by 4.5", () => {
    const tints = (styles[TILE] ?? "").match(/\.tint-\d \{[^}]*\}/g)?.map(declaredIn) ?? [];
    const found = tints.map((tint) => contrast(colour("ink", dark, tint), colour("ground", dark, tint)));
    expect(found.length).toBe(6);
    expect(found.filter((is) => is < 4.5)).toEqual([]);
  });
});

test("every colour of the theme is looked at here", () => {
  const colours = [...declared].filter(([, value]) => /#|light-dark|-text\)|-soft\)/.test(value)).map(([name]) => name);
  const known = new Set([...Object.keys(READ), ...Object.keys(SEEN), ...FREE, "shadow-1", "shadow-2"]);
  expect(colours.filter((name) => !known.has(name))).toEqual([]);
  expect(colours.length).toBeGreaterThan(25);
});

test.each(Object.entries(styles).filter(([path]) => path !== TILE))(
  "%s takes its colours from the theme",
  (_, source) => {
    const style = /<style>([\s\S]*)<\/style>/.exec(source)?.[1] ?? "";
    expect(style.match(/#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch|color-mix)\(/gi) ?? []).toEqual([]);
  },
);
