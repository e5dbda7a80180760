import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SESSION_TRANSPORT } from './schemas.ts';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';

/** Headers that a page of an allowed origin may read. */
const EXPOSED = [
  'x-request-id',
  'date',
  'dpop-nonce',
  'retry-after',
  'www-authenticate',
  'ratelimit',
  'ratelimit-policy',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
].join(', ');

const VERIFY_URL = /^\/auth\/verify(?:\?|$)/;

/** One or more labels before the domain of a pattern. */
const LABELS = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/** Returns the CORS headers of an answer. `withCookies`: whether a browser may send cookies with the request. */
export type CrossOriginHeaders = (
  origin: string | undefined,
  withCookies?: boolean,
) => Record<string, string>;

/**
 * Creates the function for the CORS headers of answers. An entry is an origin, or a pattern such as
 * `https://*.example.com` for every subdomain of any depth. Without entries, answers have no CORS headers.
 */
export function createCrossOriginHeaders(entries: readonly string[]): CrossOriginHeaders {
  if (entries.length === 0) return () => ({});
  const isAllowed = createOriginMatcher(entries);
  return (origin, withCookies = false) =>
    origin !== undefined && isAllowed(origin)
      ? {
          vary: 'origin',
          'access-control-allow-origin': origin,
          'access-control-expose-headers': EXPOSED,
          ...(withCookies && { 'access-control-allow-credentials': 'true' }),
        }
      : { vary: 'origin' };
}

/**
 * Whether a page may read the answer to a request with cookies. With `sessionCookies` these are the requests to routes
 * under `/auth/` that use session cookies, and the preflights that announce one. Pages and front doors have cookies too,
 * which scripts of other origins must not use. A proxy asks `/auth/verify` about any request, and returns a refusal to
 * the page.
 */
export function mayCarryCookies({ url, headers }: FastifyRequest, sessionCookies: boolean): boolean {
  if (!url.startsWith('/auth/')) return false;
  if (VERIFY_URL.test(url)) return true;
  if (!sessionCookies) return false;
  const announced = headers['access-control-request-headers']?.toLowerCase().split(/[ ,]+/) ?? [];
  return headers[SESSION_TRANSPORT] !== undefined || announced.includes(SESSION_TRANSPORT);
}

/**
 * The CORS headers of an answer to bytes that could not be parsed as a request. The origin is unknown, so the answer is
 * the same for every client.
 */
export function anyOriginHeaders(entries: readonly string[]): Record<string, string> {
  if (entries.length === 0) return {};
  return { 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED };
}

/** Answers the preflights of allowed origins, for every path. */
export function answerPreflights(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ method, headers }, reply) => {
    const isPreflight = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
    if (!isPreflight || !reply.hasHeader('access-control-allow-origin')) return;
    const requested = headers['access-control-request-headers'];
    return reply
      .code(204)
      .headers({
        vary: 'origin, access-control-request-headers',
        'access-control-allow-methods': METHODS,
        ...(requested !== undefined && { 'access-control-allow-headers': requested }),
      })
      .send();
  });
}

/** Creates the check whether an origin is one of these entries; see {@link createCrossOriginHeaders}. */
export function createOriginMatcher(entries: readonly string[]): (origin: string) => boolean {
  const origins = new Set(entries.filter((entry) => !isPattern(entry)));
  const patterns = entries.filter(isPattern).map(partsOfPattern);
  return (origin) =>
    origins.has(origin) ||
    patterns.some(
      ({ scheme, domain }) =>
        origin.startsWith(scheme) &&
        origin.endsWith(domain) &&
        LABELS.test(origin.slice(scheme.length, -domain.length)),
    );
}

function isPattern(entry: string): boolean {
  return entry.includes('://*.');
}

/** `https://` and `.example.com:8443` of `https://*.example.com:8443`. */
function partsOfPattern(pattern: string) {
  const [scheme = '', domain = ''] = pattern.split('*');
  return { scheme, domain };
}
