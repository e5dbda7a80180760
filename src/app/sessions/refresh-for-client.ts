import type { RefreshInput } from './begin-refresh.ts';
import { issuedTo } from './issued-to.ts';
import { identifyByRefreshToken } from './log-out.ts';
import type { TokenPair } from './mint-pair.ts';
import { type RefreshDeps, refresh } from './refresh.ts';

/**
 * A refresh on behalf of a client that has authenticated, which must be the one for whom the session was opened;
 * null: nobody has. Who a session was opened for never changes, so it may be looked up beforehand.
 */
export const refreshForClient = (deps: RefreshDeps) => {
  const exchange = refresh(deps);
  const identify = identifyByRefreshToken(deps);
  const assertIssuedTo = issuedTo(deps);

  return async (input: RefreshInput, clientId: string | null): Promise<TokenPair> => {
    if (clientId !== null) {
      const { sessionId } = await identify(input.refreshToken);
      await assertIssuedTo(sessionId, clientId);
    }
    return exchange(input);
  };
};
