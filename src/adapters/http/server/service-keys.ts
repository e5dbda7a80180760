import { createHash, timingSafeEqual } from 'node:crypto';

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

/** Equal lengths for the comparison, whatever is presented. */
function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
