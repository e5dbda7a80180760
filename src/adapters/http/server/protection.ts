const YEAR_IN_SECONDS = 31_536_000;

/**
 * Security headers of every answer. A browser must not execute, frame or cache an answer, or guess its type. It must
 * not send the URL to other sites as `Referer`. Routes for pages and public documents override these headers.
 */
export function protectionHeaders(publicUrl: string | null): Record<string, string> {
  return {
    'cache-control': 'no-store',
    'content-security-policy':
      "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    ...(publicUrl?.startsWith('https:') && {
      'strict-transport-security': `max-age=${YEAR_IN_SECONDS}`,
    }),
  };
}

/** Headers of a public document. Such a document is the same for every client, so any page may read and cache it. */
export function publicDocumentHeaders(maxAgeMilliseconds: number): Record<string, string> {
  return {
    'cache-control': `public, max-age=${Math.floor(maxAgeMilliseconds / 1000)}`,
    'access-control-allow-origin': '*',
  };
}
