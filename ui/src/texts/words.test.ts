// What a person reads stands in the catalogues: no word lies in the markup, where it would stay English.

import { parse } from "svelte/compiler";
import { expect, test } from "vitest";

const components = import.meta.glob<string>("../**/*.svelte", { query: "?raw", import: "default", eager: true });

/** What is read out or shown of an attribute. */
const READ = new Set([
  "alt",
  "aria-description",
  "aria-label",
  "aria-roledescription",
  "label",
  "placeholder",
  "title",
]);
/** Names, which are the same in every language. */
const NAMES = new Set(["Keybearer", "MCP"]);
/** Parts of addresses, which are as well. */
const ADDRESS = /\S*(:\/\/|\?\w+=)\S*/g;

interface Node {
  type: string;
  [field: string]: unknown;
}

/** The words of a component that stand in its markup. */
function wordsIn(source: string): string[] {
  const found: string[] = [];
  const take = (text: unknown) => {
    if (typeof text !== "string" || NAMES.has(text.trim())) return;
    if (/\p{L}{2,}/u.test(text.replace(ADDRESS, ""))) found.push(text.trim());
  };
  const visit = (value: unknown) => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (isNode(value)) {
      if (value.type === "Text") return take(value["data"]);
      // What is computed comes from the catalogues, or from a machine; what is written there in quotes doesn't.
      if (value.type === "ExpressionTag") return isLiteral(value["expression"]) && take(value["expression"].value);
      if (value.type === "Attribute" && !READ.has(String(value["name"]))) return;
      Object.values(value).forEach(visit);
    }
  };
  visit(parse(source, { modern: true }).fragment);
  return found;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value;
}

function isLiteral(value: unknown): value is Node & { value: unknown } {
  return isNode(value) && value.type === "Literal";
}

test("words in the markup are seen wherever somebody would read them", () => {
  const source = `<p class="dim" title="Of a title">{text}, Of a text<b>{"Of a brace"}</b></p>
    {#if one}<Field label="Of a label" />{/if}<i>Keybearer · 4</i><b>Keybearer</b><Code text="of a machine" />
    <input placeholder="https://mcp.example.com/mcp" /><style>.dim { color: red }</style>`;
  expect(wordsIn(source)).toEqual(["Of a title", ", Of a text", "Of a brace", "Of a label", "Keybearer · 4"]);
});

test.each(Object.entries(components))("%s has no words of its own", (_, source) => {
  expect(wordsIn(source)).toEqual([]);
});

test("there are components to look at", () => {
  expect(Object.keys(components).length).toBeGreaterThan(50);
});
