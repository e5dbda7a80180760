import cookies from '@fastify/cookie';
import type { FastifyRequest } from 'fastify';
import { Refusal, type RefusalCode } from '../../../domain/refusal.ts';
import type { App } from './app.ts';

/** The cookie in which a browser keeps its access token. */
export const ACCESS_COOKIE = 'access_token';

/** The cookies in which front doors keep refresh tokens. */
export const COOKIE_PAIR_REFRESH_COOKIE = 'refresh_token';
export const SESSION_ID_REFRESH_COOKIE = 'session_refresh';

/**
 * Attributes of a cookie that holds a token: hidden from scripts and not sent across sites. With an https `publicUrl`
 * it is also restricted to TLS. The value is the token itself, without an encoding.
 */
export function tokenCookie(path: string, publicUrl: string | null) {
  const secure = publicUrl?.startsWith('https:') === true;
  return { path, httpOnly: true, sameSite: 'strict', secure, encode: String } as const;
}

/**
 * Parses the cookies of requests in this scope, and sets cookies on its answers. Must be awaited before a hook is added
 * that reads cookies.
 */
export async function registerCookieParser(scope: App): Promise<void> {
  await scope.register(cookies);
}

/**
 * Returns a cookie of a request. Throws a {@link Refusal} with this code if several cookies have that name. An attacker
 * may have set one of them, for another path or from a sibling domain. The service cannot know which cookie is real.
 */
export function onlyCookie(
  { cookies, headers, server }: FastifyRequest,
  name: string,
  code: RefusalCode = 'invalid_request',
): string | undefined {
  // The parser decides which pairs have the name. A sibling domain may set a cookie whose name differs only in a space.
  const pairs = (headers.cookie ?? '').split(';').filter((pair) => name in server.parseCookie(pair));
  if (pairs.length > 1) throw new Refusal(code, `There is more than one cookie ${name}.`);
  return cookies[name];
}

/**
 * Refuses cross-site requests. SameSite=Strict already keeps the cookies out of such requests. This check holds if a
 * browser ignores the attribute, or if other software set the cookies without it.
 */
export function refuseCrossSite({ headers }: FastifyRequest): void {
  if (headers['sec-fetch-site'] === 'cross-site')
    throw new Refusal(
      'forbidden',
      'Another site caused this request. Cookies are not accepted in cross-site requests.',
    );
}

/**
 * Refuses cross-site requests, but allows the request of a user who follows a link to this service. Cookies with
 * SameSite=Lax also come with such a request.
 */
export function refuseCrossSiteExceptLinks(request: FastifyRequest): void {
  const { 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = request.headers;
  if (mode !== 'navigate' || destination !== 'document') refuseCrossSite(request);
}

/**
 * The accepted values of `Sec-Fetch-Site`. `same-origin`: a page of this origin. `none`: the user, by address
 * bar or bookmark. Absent: the client is no browser, or an old one.
 */
export const OWN_SITES: readonly unknown[] = [undefined, 'same-origin', 'none'];
