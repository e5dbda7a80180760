/** Values of `Sec-Fetch-Site` with which a browser, or software in between, marks a request of another origin. */
export const FOREIGN_SITES = ['cross-site', 'same-site', 'same-origin, cross-site', 'unknown'] as const;

/** Values of `Origin` in requests of other origins: a sibling domain, another port, and no URL among them. */
export function foreignOrigins(ownUrl: string): string[] {
  return ['https://evil.example', 'http://sub.localhost', `${ownUrl}0`, 'null', 'no origin'];
}

/** Headers of requests that a page of the service's own origin causes, or the user with the address bar. */
export function ownPages(ownUrl: string): Record<string, string>[] {
  return [{ 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }, { origin: ownUrl }];
}
