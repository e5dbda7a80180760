/** Values of `Sec-Fetch-Site` with which a browser, or software in between, marks a request of another origin. */
export const FOREIGN_SITES = ['cross-site', 'same-site', 'same-origin, cross-site', 'unknown'] as const;

/**
 * Values of `Origin` that are not the origin of the service. One is a subdomain of localhost, one has another port, and
 * two are no URL.
 */
export function foreignOrigins(ownUrl: string): string[] {
  return ['https://evil.example', 'http://sub.localhost', `${ownUrl}0`, 'null', 'no origin'];
}

/** Headers of requests from a page of the service's own origin, or from the address bar of the browser. */
export function ownPages(ownUrl: string): Record<string, string>[] {
  return [{ 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }, { origin: ownUrl }];
}
