import type { ChangeOrigin } from '../../domain/audit.ts';
import type { OAuthClient } from '../../domain/oauth-client.ts';
import { type EndSessionDeps, endOneSession } from '../revocation/end-sessions.ts';
import { assertClient } from '../tokens/live-family.ts';
import { type ReadTokenDeps, readToken } from '../tokens/read-token.ts';

export type RevokeToken = (token: string, client: OAuthClient | null, origin: ChangeOrigin) => Promise<void>;

/**
 * Ends the session of an access or refresh token (RFC 7009). A pair is one grant, so both tokens end together. An
 * unknown token is no error, and neither is a session that has already ended. `client` is null if the request names no
 * client. Rejects with a {@link Refusal} if the client may not use the session.
 */
export const revokeToken =
  (deps: EndSessionDeps & ReadTokenDeps): RevokeToken =>
  async (token, client, origin) => {
    const found = await readToken(deps, token);
    const family = found && (await deps.families.find(found.sessionId));
    if (!found || !family) return;
    assertClient(family, client);
    await endOneSession(deps, found, { reason: 'logout', origin });
  };
