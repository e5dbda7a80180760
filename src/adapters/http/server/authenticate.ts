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

/**
 * The principal of a request by its `Authorization: Bearer` (RFC 6750 section 2.1), or under another name of the
 * scheme, the usual one first.
 */
export async function bearerOf(
  request: FastifyRequest,
  authenticate: Authenticate,
  schemes: readonly [string, ...string[]] = ['Bearer'],
): Promise<Principal> {
  const form = new RegExp(`^(?:${schemes.join('|')}) +([^\\s]+)$`, 'i');
  const [, token] = form.exec(request.headers.authorization ?? '') ?? [];
  if (token === undefined)
    throw new Refusal('unauthenticated', `An access token is needed: Authorization: ${schemes[0]} …`);
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
