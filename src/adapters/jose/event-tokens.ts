import type { EventTokens } from '../../ports/security/event-tokens.ts';
import type { AccessKeySet } from './token-codec.ts';

/** Signs tokens about events with the key set that signs access tokens. HMAC keys cannot be published. */
export function createEventTokens(issuer: string, keySet: AccessKeySet): EventTokens {
  return {
    issuer,

    async sign(typ, claims) {
      const sign = keySet.signs ? keySet.ring.current().sign : null;
      if (sign === null) throw new Error('ACCESS_TOKEN_ALG is not asymmetric: tokens about events need it.');
      return sign(typ, JSON.stringify({ iss: issuer, ...claims }));
    },
  };
}
