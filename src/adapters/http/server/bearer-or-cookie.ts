import type { FastifyRequest } from 'fastify';
import type { Authenticate } from '../../../app/sessions/authenticate.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from './app.ts';
import { type Principal, principalFromHeader, principalFromToken } from './authenticate.ts';
import { ACCESS_COOKIE, onlyCookie, readCookies, refuseCrossSite } from './cookies.ts';
import type { IsTrustedProxy } from './forwarding.ts';
import { forwardedProof } from './presented-proof.ts';

/**
 * Requires an access token of a live session for every route of this scope. An `Authorization` header takes precedence,
 * even an invalid one: the sender wrote it deliberately. A browser adds the cookie to requests by itself, so
 * a cross-site request with the cookie is refused. A cookie cannot carry a bound token.
 */
export async function requireBearerOrCookie(
  scope: App,
  authenticate: Authenticate,
  isTrusted: IsTrustedProxy,
): Promise<void> {
  await readCookies(scope);
  scope.addHook('onRequest', async (request) => {
    const byHeader = request.headers.authorization !== undefined;
    request.principal = byHeader
      ? await principalFromHeader(request, authenticate, undefined, forwardedProof(request, isTrusted))
      : await principalFromCookie(request, authenticate);
  });
}

async function principalFromCookie(request: FastifyRequest, authenticate: Authenticate): Promise<Principal> {
  const token = onlyCookie(request, ACCESS_COOKIE, 'unauthenticated');
  if (token === undefined)
    throw new Refusal(
      'unauthenticated',
      `An access token is needed: Authorization: Bearer …, or the cookie ${ACCESS_COOKIE}.`,
    );
  refuseCrossSite(request);
  return principalFromToken(token, authenticate, { scheme: 'bearer', ...request.presentedProof });
}
