import type { FastifyRequest } from 'fastify';
import type { Authenticate, Presentation } from '../../../app/sessions/authenticate.ts';
import { type AuthenticationClaims, pickAuthentication } from '../../../domain/authentication.ts';
import type { PresentedDpopProof } from '../../../domain/dpop.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from './app.ts';

/** The user and the session that the access token of a request names. */
export interface Principal {
  readonly userId: string;
  readonly sessionId: string;
  readonly authentication: AuthenticationClaims;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent the access token, in scopes that require one, as with {@link requireBearer}; null elsewhere. */
    principal: Principal | null;
  }
}

/** Requires an access token of a live session for every route of this scope. */
export function requireBearer(scope: App, authenticate: Authenticate): void {
  scope.addHook('onRequest', async (request) => {
    request.principal = await principalFromRequest(request, authenticate);
  });
}

/**
 * The accepted schemes of `Authorization`, in addition to `DPoP`, the scheme of bound tokens. A refusal for a missing
 * token names the first one.
 */
export function createSchemeMatcher(...schemes: readonly [string, ...string[]]) {
  return { first: schemes[0], pattern: new RegExp(`^(?:(DPoP)|${schemes.join('|')}) +([^\\s]+)$`, 'i') };
}

const BEARER = createSchemeMatcher('Bearer');

/**
 * The principal of a request. The access token is in `Authorization`, with a scheme of the matcher. The usual schemes
 * are `Bearer` (RFC 6750 section 2.1) and `DPoP` (RFC 9449 section 7.1). If the request carries its tokens in cookies,
 * the access token is in a cookie.
 */
export async function principalFromRequest(
  request: FastifyRequest,
  authenticate: Authenticate,
  { first, pattern } = BEARER,
  presented = request.presentedDpopProof,
): Promise<Principal> {
  if (request.cookieTokens !== null)
    return principalFromCookie(request.cookieTokens.access, authenticate, presented);
  const [, bound, token] = pattern.exec(request.headers.authorization ?? '') ?? [];
  if (token === undefined)
    throw new Refusal('unauthenticated', `An access token is needed: Authorization: ${first} …`);
  return principalFromToken(token, authenticate, {
    scheme: bound === undefined ? 'bearer' : 'dpop',
    ...presented,
  });
}

/**
 * The principal of the access token in a cookie. The token must not be bound: a proof needs the text of the token, and
 * scripts cannot read the cookie.
 */
export async function principalFromCookie(
  token: string | undefined,
  authenticate: Authenticate,
  presented: PresentedDpopProof,
): Promise<Principal> {
  if (token === undefined) throw new Refusal('unauthenticated', 'There is no cookie with an access token.');
  return principalFromToken(token, authenticate, { scheme: 'bearer', ...presented });
}

/** The principal of an access token, independent of how the request carried it. */
export async function principalFromToken(
  token: string,
  authenticate: Authenticate,
  presentation: Presentation,
): Promise<Principal> {
  const claims = await authenticate(token, presentation);
  return { userId: claims.sub, sessionId: claims.sid, authentication: pickAuthentication(claims) };
}

/** The principal of a request in a scope that requires an access token. */
export function principalOf({ principal }: FastifyRequest): Principal {
  if (principal === null) throw new Error('This route is outside a scope that requires an access token.');
  return principal;
}
