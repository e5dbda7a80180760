import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { byServiceKey, type ChangeOrigin } from '../../../domain/audit.ts';
import type { OAuthClient } from '../../../domain/oauth-client.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { ServiceKey, ServiceKeyScope } from '../../../domain/service-key.ts';
import type { App } from './app.ts';
import { clientInfoOf, userOrigin } from './client-info.ts';
import { ServiceKeyRefusal } from './log-security-event.ts';

/** Finds a key by its secret. Compares all keys, each in constant time. Null: no key has this secret. */
export function createSecretFinder(keys: readonly ServiceKey[]) {
  const known = keys.map((key) => ({ key, digest: digest(key.secret) }));

  return (secret: string | null): ServiceKey | null => {
    if (secret === null) return null;
    const candidate = digest(secret);
    const matching = known.filter((one) => timingSafeEqual(one.digest, candidate));
    return matching[0]?.key ?? null;
  };
}

/**
 * Finds the key that a request presents in `x-api-key`, or as `otherSecret`. Null: the request presents no key. Throws
 * a {@link ServiceKeyRefusal} `unauthenticated` for a wrong key, even if the route needs no key. Otherwise the sender
 * would not notice that the key is wrong.
 */
export function createPresentedKeyFinder(keys: readonly ServiceKey[]) {
  const findBySecret = createSecretFinder(keys);

  return ({ headers }: FastifyRequest, otherSecret?: string): ServiceKey | null => {
    const presented = headers['x-api-key'] ?? otherSecret;
    if (presented === undefined) return null;
    const key = findBySecret(String(presented));
    if (key === null)
      throw new ServiceKeyRefusal('unauthenticated', 'The service key in this request is wrong.');
    return key;
  };
}

/** A service key in `Authorization: Bearer …`, for callers that cannot send `x-api-key`. */
export function bearerOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +([^\s]+)$/i.exec(headers.authorization ?? '')?.[1];
}

/**
 * Finds the client of a request on a route outside OAuth. The client authenticates itself by a key with scope
 * `confidential` in `x-api-key`. Null without such a key: sessions that are not confidential need no client.
 */
export function createConfidentialClientFinder(keys: readonly ServiceKey[]) {
  const findKey = createPresentedKeyFinder(keys);

  return (request: FastifyRequest): OAuthClient | null => {
    const key = findKey(request);
    return key?.scopes.includes('confidential') ? { id: key.name, isAuthenticated: true } : null;
  };
}

/** Requires a service key with the scope `wanted` for every route of `app`. */
export function requireServiceKey(app: App, keys: readonly ServiceKey[], wanted: ServiceKeyScope): void {
  const findKey = createPresentedKeyFinder(keys);
  app.addHook('onRequest', async (request) => {
    requireScope(findKey(request), wanted, {
      missing: `A service key with scope "${wanted}" is needed in x-api-key.`,
      forbidden: `This service key does not have the scope "${wanted}".`,
    });
  });
}

/** The origin of a change by the holder of a token: the client if it authenticated itself, otherwise the user. */
export function holderOrigin(request: FastifyRequest, client: OAuthClient | null): ChangeOrigin {
  return client?.isAuthenticated ? byServiceKey(client.id, clientInfoOf(request)) : userOrigin(request);
}

/** Returns the key. Throws a {@link Refusal} with one of these texts if the key is missing or lacks the scope. */
export function requireScope(
  key: ServiceKey | null,
  wanted: ServiceKeyScope,
  { missing, forbidden }: { readonly missing: string; readonly forbidden: string },
): ServiceKey {
  if (key === null) throw new Refusal('unauthenticated', missing);
  if (!key.scopes.includes(wanted)) throw new ServiceKeyRefusal('forbidden', forbidden);
  return key;
}

/** A digest, because a constant-time comparison needs inputs of equal length. */
function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
