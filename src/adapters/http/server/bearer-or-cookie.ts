import type { FastifyRequest } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from './app.ts';
import { type Authenticate, bearerOf, type Principal, principalBy } from './authenticate.ts';
import { ACCESS_COOKIE, onlyCookie, readCookies, refuseCrossSite } from './cookies.ts';

/**
 * Every route of this scope needs an access token whose session goes on. An `Authorization` header is the word of
 * whoever wrote the request, so it counts where it is there, whatever is in it; else the cookie, which a browser adds
 * by itself, and which therefore does not count across sites.
 */
export async function requireBearerOrCookie(scope: App, authenticate: Authenticate): Promise<void> {
  await readCookies(scope);
  scope.addHook('onRequest', async (request) => {
    const byHeader = request.headers.authorization !== undefined;
    request.principal = await (byHeader ? bearerOf : byCookie)(request, authenticate);
  });
}

async function byCookie(request: FastifyRequest, authenticate: Authenticate): Promise<Principal> {
  const token = onlyCookie(request, ACCESS_COOKIE, 'unauthenticated');
  if (token === undefined)
    throw new Refusal(
      'unauthenticated',
      `An access token is needed: Authorization: Bearer …, or the cookie ${ACCESS_COOKIE}.`,
    );
  refuseCrossSite(request);
  return principalBy(token, authenticate);
}
