import type { FastifyRequest } from 'fastify';
import type { authenticate } from '../../../app/sessions/authenticate.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from './app.ts';

/** Who a request speaks for, by its access token. */
export interface Principal {
  readonly userId: string;
  readonly sessionId: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set in scopes that {@link requireBearer}; null elsewhere. */
    principal: Principal | null;
  }
}

export type Authenticate = ReturnType<typeof authenticate>;

/** Every route of this scope needs an access token whose session goes on. */
export function requireBearer(scope: App, authenticate: Authenticate): void {
  scope.addHook('onRequest', async (request) => {
    request.principal = await bearerOf(request, authenticate);
  });
}

/** How a token is announced in `Authorization`: by one scheme, or by any of several, the usual one first. */
export function announcedBy(...schemes: readonly [string, ...string[]]) {
  return { usual: schemes[0], form: new RegExp(`^(?:${schemes.join('|')}) +([^\\s]+)$`, 'i') };
}

const BEARER = announcedBy('Bearer');

/** The principal of a request by its `Authorization: Bearer` (RFC 6750 section 2.1), or as announced otherwise. */
export async function bearerOf(
  { headers }: FastifyRequest,
  authenticate: Authenticate,
  { usual, form } = BEARER,
): Promise<Principal> {
  const [, token] = form.exec(headers.authorization ?? '') ?? [];
  if (token === undefined)
    throw new Refusal('unauthenticated', `An access token is needed: Authorization: ${usual} …`);
  return principalBy(token, authenticate);
}

/** The principal of an access token, however it came. */
export async function principalBy(token: string, authenticate: Authenticate): Promise<Principal> {
  const { sub, sid } = await authenticate(token);
  return { userId: sub, sessionId: sid };
}

/** The principal inside a scope that needs one. */
export function principalOf({ principal }: FastifyRequest): Principal {
  if (principal === null) throw new Error('This route is outside the scope that needs a bearer.');
  return principal;
}
