import type { FastifyRequest } from 'fastify';
import type { Authenticate } from '../../../app/sessions/authenticate.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from './app.ts';
import { principalFromCookie, principalFromRequest } from './authenticate.ts';
import { ACCESS_COOKIE, onlyCookie, refuseCrossSite, refuseCrossSiteExceptLinks } from './cookies.ts';
import type { IsTrustedProxy } from './forwarding.ts';
import { forwardedProof } from './presented-dpop-proof.ts';
import { createSessionCookies } from './session-cookies.ts';
import type { SessionTransportOptions } from './session-transport.ts';

interface Options extends Pick<SessionTransportOptions, 'sessionCookies' | 'publicUrl'> {
  readonly authenticate: Authenticate;
  readonly isTrusted: IsTrustedProxy;
}

/**
 * Requires an access token of a live session for every route of this scope. An `Authorization` header takes precedence,
 * even an invalid one: the sender wrote it deliberately. A browser adds a cookie to requests by itself. So a cross-site
 * request with a cookie is refused. One exception: a link from another site may send the session cookie. The scope must
 * read cookies.
 */
export function requireBearerOrCookie(scope: App, { authenticate, isTrusted, ...options }: Options): void {
  const sessionCookies = createSessionCookies(options.publicUrl);
  scope.addHook('onRequest', async (request) => {
    const byHeader = request.headers.authorization !== undefined || request.cookieTokens !== null;
    request.principal = byHeader
      ? await principalFromRequest(request, authenticate, undefined, forwardedProof(request, isTrusted))
      : await principalFromCookie(tokenOf(request), authenticate, request.presentedDpopProof);
  });

  /** The session cookie comes first: with TLS, no other page can have set it. */
  function tokenOf(request: FastifyRequest): string {
    const session = options.sessionCookies ? sessionCookies.read(request).access : undefined;
    if (session !== undefined) {
      refuseCrossSiteExceptLinks(request);
      return session;
    }
    const token = onlyCookie(request, ACCESS_COOKIE, 'unauthenticated');
    if (token !== undefined) {
      refuseCrossSite(request);
      return token;
    }
    const names = options.sessionCookies ? [sessionCookies.names.access, ACCESS_COOKIE] : [ACCESS_COOKIE];
    throw new Refusal(
      'unauthenticated',
      `An access token is needed: Authorization: Bearer …, or the cookie ${names.join(' or ')}.`,
    );
  }
}
