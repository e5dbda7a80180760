import type { FastifyRequest } from 'fastify';
import type { OAuthClient } from '../../../domain/oauth-client.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { ServiceKey, ServiceKeyScope } from '../../../domain/service-key.ts';
import { ServiceKeyRefusal } from '../server/log-security-event.ts';
import { createPresentedKeyFinder, createSecretFinder, requireScope } from '../server/service-keys.ts';

export type OAuthClientAuthenticator = ReturnType<typeof createOAuthClientAuthenticator>;

/**
 * Parameters of methods of client authentication that are not supported (RFC 6749 section 2.3.1, RFC 7521 section 4.2).
 */
const UNSUPPORTED_PARAMETERS = ['client_secret', 'client_assertion'];

/** Clients are service keys with `client_secret_basic`. The key's name is the client id (RFC 6749 section 2.3.1). */
export function createOAuthClientAuthenticator(keys: readonly ServiceKey[]) {
  const findKey = createSecretFinder(keys);
  const findPresented = createPresentedKeyFinder(keys);

  return { identify, requireKey };

  /** The client of the request: authenticated, or only named by `client_id`. Null if the request has neither. */
  function identify(request: FastifyRequest): OAuthClient | null {
    const key = readAuthenticatedKey(request);
    if (key !== null) return { id: key.name, isAuthenticated: true };
    const named = readClientId(request);
    return named === undefined ? null : { id: named, isAuthenticated: false };
  }

  /** The service key of an authenticated client; null for a public client. Throws if the credentials are wrong. */
  function readAuthenticatedKey(request: FastifyRequest): ServiceKey | null {
    const body = request.body ?? {};
    if (UNSUPPORTED_PARAMETERS.some((name) => Object.hasOwn(body, name)))
      throw new Refusal('unauthenticated', 'Clients must authenticate with client_secret_basic.');
    const { authorization } = request.headers;
    if (authorization === undefined) return null;
    const key = readBasicCredentials(authorization);
    const named = readClientId(request);
    if (named !== undefined && named !== key.name)
      throw new Refusal('unauthenticated', 'client_id does not match the authenticated client.');
    return key;
  }

  /** Requires a service key with this scope. The key may also come as `x-api-key`. */
  function requireKey(request: FastifyRequest, scope: ServiceKeyScope): void {
    const key = findPresented(request);
    requireScope(readAuthenticatedKey(request) ?? key, scope, {
      missing: `A service key with scope "${scope}" is needed.`,
      forbidden: `This service key does not have the scope "${scope}".`,
    });
  }

  function readBasicCredentials(authorization: string): ServiceKey {
    const [, encoded = ''] = /^Basic +([\w+/=-]+)$/i.exec(authorization) ?? [];
    const [, name = '', secret = ''] =
      /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
    // Name and secret are form-urlencoded (RFC 6749 section 2.3.1). Many clients send them unencoded.
    const key = findKey(decodeFormValue(secret)) ?? findKey(secret);
    if (key === null || key.name !== decodeFormValue(name))
      throw new ServiceKeyRefusal('unauthenticated', 'The client is unknown, or its secret is wrong.');
    return key;
  }
}

/** `client_id` of the form (RFC 6749 section 3.2.1). */
function readClientId({ body }: FastifyRequest): string | undefined {
  return (body as { readonly client_id?: string } | undefined)?.client_id;
}

function decodeFormValue(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
