import {
  ACCESS_COOKIE,
  COOKIE_PAIR_REFRESH_COOKIE,
  SESSION_ID_REFRESH_COOKIE,
} from '../../server/cookies.ts';
import { examples } from '../../server/examples.ts';

/** Security schemes. Each route names the schemes that it accepts. */
export const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'at+jwt', description: 'an access token' },
  token: {
    type: 'apiKey',
    in: 'header',
    name: 'authorization',
    description: '`Token`, a space and an access token',
  },
  accessCookie: { type: 'apiKey', in: 'cookie', name: ACCESS_COOKIE, description: 'an access token' },
  browserSession: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-kinship_access',
    description:
      'an access token, with `SESSION_COOKIES=on` and the header `x-session-transport: cookie`. Without an https ' +
      '`PUBLIC_URL` the name is `kinship_access`',
  },
  refreshCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: COOKIE_PAIR_REFRESH_COOKIE,
    description: 'a refresh token',
  },
  sessionCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: SESSION_ID_REFRESH_COOKIE,
    description: 'a refresh token',
  },
  serviceKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'a key of SERVICE_API_KEYS' },
  serviceKeyAsBearer: { type: 'http', scheme: 'bearer', description: 'a key of SERVICE_API_KEYS' },
  serviceKeyAsClient: {
    type: 'http',
    scheme: 'basic',
    description: 'the name of a key of SERVICE_API_KEYS, and the key',
  },
} as const;

const text = { type: 'string', maxLength: 1_024 } as const;
const count = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;

/** Headers that answers of several routes have. The document describes each of them once. */
export const headers = {
  'X-Request-Id': {
    description: 'the id of the request in the log of the service: the id that the client sent, or a new one',
    schema: text,
    example: examples.request,
  },
  'WWW-Authenticate': {
    description:
      'the challenge; with `error="invalid_token"` if the access token was not accepted (RFC 6750 section 3)',
    schema: text,
    example: 'Bearer realm="kinship"',
  },
  'Retry-After': {
    description: 'seconds to wait before the next attempt',
    schema: count,
    example: 30,
  },
  RateLimit: {
    description: 'the limit that was reached, and the seconds until it permits the next request',
    schema: text,
    example: '"login-account";r=0;t=30',
  },
  'RateLimit-Policy': {
    description: 'the number of requests of that limit, and its window in seconds',
    schema: text,
    example: '"login-account";q=5;w=86400',
  },
  'RateLimit-Limit': {
    description: 'the number of requests per window, for this user or this network',
    schema: count,
    example: 100,
  },
  'RateLimit-Remaining': {
    description: 'the number of requests left in the window',
    schema: count,
    example: 99,
  },
  'RateLimit-Reset': {
    description:
      'seconds until all requests are available again; in a 429, until the next request is permitted',
    schema: count,
    example: 60,
  },
} as const;

type HeaderName = keyof typeof headers;

const OF_STATUS: Readonly<Record<string, readonly HeaderName[]>> = {
  401: ['WWW-Authenticate'],
  429: ['Retry-After', 'RateLimit', 'RateLimit-Policy'],
  503: ['Retry-After'],
};

/**
 * The headers of a response with this status, in addition to the headers of its route. Headers defined above become
 * references.
 */
export function headersOf(
  status: string,
  own: Readonly<Record<string, object>> = {},
): Record<string, object> {
  const names = ['X-Request-Id', ...(OF_STATUS[status] ?? [])];
  const all = { ...Object.fromEntries(names.map((name) => [name, {}])), ...own };
  return Object.fromEntries(
    Object.entries(all).map(([name, header]) => [
      name,
      name in headers ? { $ref: `#/components/headers/${name}` } : header,
    ]),
  );
}
