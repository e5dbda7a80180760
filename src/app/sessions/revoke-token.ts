import { type EndSessionDeps, endSession } from './end-session.ts';
import { issuedTo } from './issued-to.ts';
import { type ReadTokenDeps, readToken } from './read-token.ts';

/**
 * Ends the session of a token, whichever of the two it is (RFC 7009): a pair is one grant, so no half outlives the
 * other. A token that says nothing to us, and a session that has ended before, are no fault. `clientId` is that of
 * a client that has authenticated, else null.
 */
export const revokeToken = (deps: EndSessionDeps & ReadTokenDeps) => {
  const read = readToken(deps);
  const end = endSession(deps);
  const assertIssuedTo = issuedTo(deps);

  return async (token: string, clientId: string | null): Promise<void> => {
    const found = await read(token);
    if (found === null) return;
    if (clientId !== null) await assertIssuedTo(found.sessionId, clientId);
    await end(found.sessionId, found.userId, 'logout');
  };
};
