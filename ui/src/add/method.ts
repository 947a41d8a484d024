import type { AuthType, NewAccount } from "../backend";
import type { Header } from "./address";

/** What the form holds about the way of signing in, as it is typed. */
export interface Method {
  auth: AuthType;
  clientId: string;
  scopes: string;
  header: string;
  username: string;
  secret: string;
}

export function emptyMethod(): Method {
  return { auth: "auto", clientId: "", scopes: "", header: "X-API-Key", username: "", secret: "" };
}

/** The way that a header of this kind belongs to; its value stays out. */
export function methodOf({ name, scheme }: Header): Partial<Method> {
  if (name.toLowerCase() === "authorization" && scheme !== null) return { auth: scheme };
  return { auth: "header", header: name };
}

/** Whether the browser has a part in it. */
export function usesBrowser(auth: AuthType): boolean {
  return auth === "auto" || auth === "oauth" || auth === "device";
}

export function isComplete({ auth, header, username, secret }: Method): boolean {
  if (usesBrowser(auth) || auth === "none") return true;
  return (
    secret.trim() !== "" && (auth !== "header" || header.trim() !== "") && (auth !== "basic" || username.trim() !== "")
  );
}

/** The account as the agent is to write it down: only what belongs to the chosen way. */
export function newAccount(url: string, name: string, method: Method): NewAccount {
  const { auth } = method;
  const hasClient = auth === "oauth" || auth === "device";
  const written = (text: string) => text.trim() || null;
  return {
    url,
    name: written(name),
    auth,
    client_id: hasClient ? written(method.clientId) : null,
    scopes: hasClient ? scopesIn(method.scopes) : [],
    header: auth === "header" ? written(method.header) : null,
    username: auth === "basic" ? written(method.username) : null,
    secret: method.secret || null,
  };
}

export function scopesIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((scope) => scope !== "");
}
