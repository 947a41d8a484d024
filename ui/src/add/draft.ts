import { emptyMethod, type Method } from "./method";

/** What the form for a new server begins with: what was typed before, but never its secret. */
export interface Draft {
  address: string;
  name: string;
  method: Method;
}

export function draftOf(address: string): Draft {
  return { address, name: "", method: emptyMethod() };
}
