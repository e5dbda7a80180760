import { clientFault, type OAuthClient } from '../../domain/oauth-client.ts';
import { Refusal } from '../../domain/refusal.ts';
import { type EndSessionDeps, endSession } from './end-session.ts';
import { type ReadTokenDeps, readToken } from './read-token.ts';

/**
 * Ends the session of a token, whichever of the two it is (RFC 7009): a pair is one grant, so no half outlives the
 * other. A token that says nothing to us, and a session that has ended before, are no fault. `client` is null where
 * the request names none. Rejects with a {@link Refusal} for a client that may not use the session.
 */
export const revokeToken = (deps: EndSessionDeps & ReadTokenDeps) => {
  const read = readToken(deps);
  const end = endSession(deps);

  return async (token: string, client: OAuthClient | null, address?: string): Promise<void> => {
    const found = await read(token);
    const family = found && (await deps.families.find(found.sessionId));
    if (!found || !family) return;
    const fault = clientFault(family, client);
    if (fault !== null) throw new Refusal(fault.code, fault.detail);
    await end(found.sessionId, found.userId, 'logout', address);
  };
};
