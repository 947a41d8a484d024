/** What a pasted text says about a server. */
export interface Address {
  url: string;
  name: string | null;
  /** A header was with it. */
  header?: Header;
}

/** A header without its value, of which no more is kept than a known scheme. */
export interface Header {
  name: string;
  scheme: "bearer" | "basic" | null;
}

/** Whether a text is more than an address. */
export function isSnippet(text: string): boolean {
  const trimmed = text.trim();
  return /^[{"]/.test(trimmed) || /\s/.test(trimmed);
}

/** Finds the server in what people have at hand: an address, a client's JSON, or a `claude mcp add` command. */
export function readAddress(text: string): Address | null {
  const trimmed = text.trim();
  if (/^[{"]/.test(trimmed)) return fromJson(trimmed);
  if (/\s/.test(trimmed)) return fromCommand(trimmed);
  if (trimmed === "") return null;
  // People leave the scheme out. A port or path after a bare host is no scheme of its own.
  return fromUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`);
}

function fromUrl(text: string, name: string | null = null, header?: Header | null): Address | null {
  const url = URL.parse(text);
  if (!url?.hostname || (url.protocol !== "https:" && url.protocol !== "http:")) return null;
  return { url: text, name, ...(header && { header }) };
}

function fromJson(text: string): Address | null {
  // A copied snippet may begin at the first key, or end with the comma that stood behind it.
  const bare = text.replace(/,\s*$/, "");
  for (const candidate of [bare, `{${bare}}`]) {
    try {
      return firstServer(JSON.parse(candidate), null);
    } catch {
      continue;
    }
  }
  return null;
}

const MAX_DEPTH = 4;

/** The first object with a `url`, under whichever key the client keeps its servers; the key above it is its name. */
function firstServer(value: unknown, name: string | null, depth = 0): Address | null {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return null;
  const entries = Object.entries(value);
  for (const key of ["url", "serverUrl", "httpUrl"]) {
    const url = entries.find(([entry]) => entry === key)?.[1];
    if (typeof url === "string") return fromUrl(url, name, headerIn(entries));
  }
  for (const [key, inner] of entries) {
    const found = firstServer(inner, key, depth + 1);
    if (found) return found;
  }
  return null;
}

function headerIn(entries: [string, unknown][]): Header | null {
  for (const [key, headers] of entries) {
    if (!/headers$/i.test(key) || typeof headers !== "object" || headers === null) continue;
    const all = Object.entries(headers).map(([name, value]) => headerOf(name, String(value)));
    return all.find(isAuthorization) ?? all[0] ?? null;
  }
  return null;
}

function headerOf(name: string, value: string): Header {
  const scheme = /^\s*(bearer|basic)\s/i.exec(value)?.[1]?.toLowerCase();
  return { name: name.trim(), scheme: scheme === "bearer" || scheme === "basic" ? scheme : null };
}

function isAuthorization({ name }: Header): boolean {
  return name.toLowerCase() === "authorization";
}

const OPTIONS_WITH_VALUE = new Set(["-t", "--transport", "-s", "--scope", "-e", "--env"]);

function fromCommand(text: string): Address | null {
  const words = text.replace(/\\\r?\n/g, " ").match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  const bare: string[] = [];
  const headers: Header[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = unquoted(words[at] ?? "");
    const [option, joined] = word.split(/=(.*)/s);
    if (option === "-H" || option === "--header") {
      const [name = "", value = ""] = unquoted(joined ?? words[++at] ?? "").split(/:(.*)/s);
      headers.push(headerOf(name, value));
    } else if (OPTIONS_WITH_VALUE.has(word)) at++;
    else if (!word.startsWith("-")) bare.push(word);
  }
  const at = bare.findIndex((word) => /^https?:\/\//i.test(word));
  const add = bare.lastIndexOf("add");
  const name = add >= 0 && at - add > 1 ? (bare[at - 1] ?? null) : null;
  return fromUrl(bare[at] ?? "", name, headers.find(isAuthorization) ?? headers[0]);
}

function unquoted(word: string): string {
  return word.replace(/^(["'])(.*)\1$/, "$2");
}
