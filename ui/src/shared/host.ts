/** The host of an address, with its port where it names one; what is no address stays as it is. */
export function hostOf(url: string): string {
  return URL.parse(url)?.host || url;
}
