import { Refusal } from '../../domain/refusal.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';

/**
 * Refuses, as `invalid_token`, a session that was opened for another client than the one that has authenticated
 * (RFC 6749 section 6, RFC 7009 section 2.1). One that is not there is left to whoever asks next.
 */
export const issuedTo =
  ({ families }: { readonly families: Pick<TokenFamilies, 'find'> }) =>
  async (sessionId: string, clientId: string): Promise<void> => {
    const family = await families.find(sessionId);
    if (family !== null && family.clientId !== clientId)
      throw new Refusal('invalid_token', 'The token was issued to another client.');
  };
