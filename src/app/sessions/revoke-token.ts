import type { OAuthClient } from '../../domain/oauth-client.ts';
import { type EndSessionDeps, endSession } from './end-session.ts';
import { assertClient } from './live-family.ts';
import { type ReadTokenDeps, readToken } from './read-token.ts';

/**
 * Ends the session of an access or refresh token (RFC 7009). A pair is one grant, so both tokens end together. An
 * unknown token and a session that has already ended are no errors. `client` is null if the request names no client.
 * Rejects with a {@link Refusal} if the client may not use the session.
 */
export const revokeToken = (deps: EndSessionDeps & ReadTokenDeps) => {
  const read = readToken(deps);
  const end = endSession(deps);

  return async (token: string, client: OAuthClient | null, address?: string): Promise<void> => {
    const found = await read(token);
    const family = found && (await deps.families.find(found.sessionId));
    if (!found || !family) return;
    assertClient(family, client);
    await end(found.sessionId, found.userId, 'logout', address);
  };
};
