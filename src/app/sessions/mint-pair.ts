import type { TokenFamily } from '../../domain/token-family.ts';
import { type AccessClaims, type RefreshClaims, secondsLeft } from '../../domain/token-pair.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenSecrets } from '../../ports/security/token-secrets.ts';

/** A token pair as a client gets it; `expiresIn`: whole seconds that the access token has left. */
export interface TokenPair {
  readonly access: string;
  readonly refresh: string;
  readonly expiresIn: number;
}

/**
 * The current pair of a family. It is a function of the row and the keys, so that a client that lost an answer
 * can be given the same pair again, although no token is stored. Whoever has derived its ids already passes them.
 */
export const mintPair =
  ({ codec, secrets }: { codec: TokenCodec; secrets: TokenSecrets }) =>
  async (
    family: TokenFamily,
    now: number,
    ids = secrets.derive(family.scheme, family),
  ): Promise<TokenPair> => {
    const claims = accessClaims(family, ids.linkerId);
    const access = await codec.signAccess(claims, family.accessKeyId);
    const unpaired = refreshClaims(family, ids);
    const refresh = await codec.signRefresh(
      family.paired ? { ...unpaired, at_hash: codec.accessHash(access) } : unpaired,
      family.refreshKeyId,
    );
    return { access, refresh, expiresIn: secondsLeft(claims.exp, now) };
  };

function accessClaims(family: TokenFamily, linkerId: string): AccessClaims {
  return {
    sub: family.userId,
    userId: family.userId,
    sid: family.tokenFamily,
    jti: linkerId,
    linkerId,
    userIp: family.address,
    client_id: family.clientId,
    iat: seconds(family.rotatedAt),
    exp: seconds(family.accessExpiresAt),
    ...(family.door === 'session-id' && { session_id: family.tokenFamily, guid: family.userId }),
  };
}

function refreshClaims(family: TokenFamily, ids: { jti: string; linkerId: string }): RefreshClaims {
  return {
    sub: family.userId,
    ...ids,
    userIp: family.address,
    tokenFamily: family.tokenFamily,
    generation: family.generation,
    iat: seconds(family.rotatedAt),
    exp: seconds(family.refreshExpiresAt),
  };
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
