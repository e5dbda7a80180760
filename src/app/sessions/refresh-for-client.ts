import type { RefreshInput } from './begin-refresh.ts';
import { issuedTo } from './issued-to.ts';
import type { TokenPair } from './mint-pair.ts';
import { readRefreshToken } from './read-refresh-token.ts';
import { type RefreshDeps, refresh } from './refresh.ts';

/**
 * A refresh on behalf of a client that has authenticated, which must be the one for whom the session was opened;
 * null: nobody has. Who a session was opened for never changes, so it may be looked up beforehand.
 */
export const refreshForClient = (deps: RefreshDeps) => {
  const exchange = refresh(deps);
  const read = readRefreshToken(deps);
  const assertIssuedTo = issuedTo(deps);

  return async (input: RefreshInput, clientId: string | null): Promise<TokenPair> => {
    if (clientId !== null) {
      const { claims } = await read(input.refreshToken);
      await assertIssuedTo(claims.tokenFamily, clientId);
    }
    return exchange(input);
  };
};
