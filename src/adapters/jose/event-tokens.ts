import type { EventTokens } from '../../ports/security/event-tokens.ts';
import type { AccessKeySet } from './token-codec.ts';

/**
 * Creates the signer of tokens about events. It uses the key set that signs access tokens, because receivers need a
 * published key.
 */
export function createEventTokens(issuer: string, keySet: AccessKeySet): EventTokens {
  return {
    issuer,

    async sign(typ, claims) {
      const sign = keySet.signs ? keySet.ring.current().sign : null;
      if (sign === null) throw new Error('Tokens about events need an asymmetric ACCESS_TOKEN_ALG.');
      return sign(typ, JSON.stringify({ iss: issuer, ...claims }));
    },
  };
}
