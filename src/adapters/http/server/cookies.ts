import cookies from '@fastify/cookie';
import type { FastifyRequest } from 'fastify';
import { Refusal, type RefusalCode } from '../../../domain/refusal.ts';
import type { App } from './app.ts';

/** The cookie in which a browser has its access token. */
export const ACCESS_COOKIE = 'access_token';

/** The cookies in which front doors keep refresh tokens. */
export const REFRESH_COOKIE = 'refresh_token';
export const SESSION_COOKIE = 'session_refresh';

/**
 * Reads the cookies of requests in this scope, and sets those of its answers. To be awaited before a hook is added that
 * looks at them.
 */
export async function readCookies(scope: App): Promise<void> {
  await scope.register(cookies);
}

/**
 * A cookie of a request. Throws a {@link Refusal} of this code if there are several of that name: one of them was
 * planted, for another path or by a neighbour under the same domain, and nothing tells which.
 */
export function onlyCookie(
  { cookies, headers }: FastifyRequest,
  name: string,
  code: RefusalCode = 'invalid_request',
): string | undefined {
  const names = (headers.cookie ?? '').split(';').map((pair) => pair.split('=', 1)[0]?.trim());
  if (names.filter((one) => one === name).length > 1)
    throw new Refusal(code, `There is more than one cookie ${name}.`);
  return cookies[name];
}

/**
 * Refuses what another site makes a browser ask for. SameSite=Strict keeps the cookies out of such requests already:
 * this holds where a browser, or somebody who set them otherwise, sends them all the same.
 */
export function refuseCrossSite({ headers }: FastifyRequest): void {
  if (headers['sec-fetch-site'] === 'cross-site')
    throw new Refusal('forbidden', 'Another site caused this request: cookies do not count in it.');
}

/** A page of the same origin, or the user (address bar, bookmark). Absent: a client that is no browser, or an old one. */
const OWN_SITES: readonly unknown[] = [undefined, 'same-origin', 'none'];

/**
 * Refuses a request that a page of another origin causes. For routes that change state by GET: a page of a sibling
 * subdomain is of the same site, so that even SameSite=Strict cookies go with an image that it loads.
 */
export function refuseOtherOrigin({ headers }: FastifyRequest): void {
  if (!OWN_SITES.includes(headers['sec-fetch-site']))
    throw new Refusal('forbidden', 'A page of another origin caused this request.');
}
