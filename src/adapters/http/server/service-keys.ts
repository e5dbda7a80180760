import { createHash, timingSafeEqual } from 'node:crypto';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from './app.ts';

export type Scope = 'login' | 'admin' | 'introspect' | 'metrics';

/** A key that a trusted service presents as `x-api-key`. */
export interface ServiceKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly secret: string;
}

/** Finds the key that was presented; all of them are compared, each in constant time. */
export function serviceKeys(keys: readonly ServiceKey[]) {
  const known = keys.map((key) => ({ key, digest: digest(key.secret) }));

  return (presented: unknown): ServiceKey | null => {
    if (typeof presented !== 'string') return null;
    const candidate = digest(presented);
    const matching = known.filter((one) => timingSafeEqual(one.digest, candidate));
    return matching[0]?.key ?? null;
  };
}

/** Every route of this scope needs a service key with the scope that is named. */
export function requireServiceKey(app: App, keys: readonly ServiceKey[], wanted: Scope): void {
  const find = serviceKeys(keys);
  app.addHook('onRequest', async (request) => {
    requireScope(find(request.headers['x-api-key']), wanted, {
      missing: `A service key with scope "${wanted}" is needed in x-api-key.`,
      forbidden: `This service key has not the scope "${wanted}".`,
    });
  });
}

/** Refuses, in these words, where there is no key, or one without the scope. */
export function requireScope(
  key: ServiceKey | null,
  wanted: Scope,
  { missing, forbidden }: { readonly missing: string; readonly forbidden: string },
): void {
  if (key === null) throw new Refusal('unauthenticated', missing);
  if (!key.scopes.includes(wanted)) throw new Refusal('forbidden', forbidden);
}

/** Equal lengths for the comparison, whatever is presented. */
function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
