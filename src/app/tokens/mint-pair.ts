import { authenticationClaims } from '../../domain/authentication.ts';
import { sortClaims } from '../../domain/claims.ts';
import type { Confirmation } from '../../domain/dpop.ts';
import type { TokenFamily } from '../../domain/token-family.ts';
import { effectiveExpiries } from '../../domain/token-family.ts';
import { type AccessClaims, type RefreshClaims, secondsLeft } from '../../domain/token-pair.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenSecrets } from '../../ports/security/token-secrets.ts';

/** A token pair for the client. `expiresIn`: remaining lifetime of the access token in whole seconds. */
export interface TokenPair {
  readonly access: string;
  readonly refresh: string;
  readonly expiresIn: number;
  /** Remaining lifetime of the refresh token in whole seconds. */
  readonly refreshExpiresIn: number;
  /** Whether a browser may keep the pair after it was closed. */
  readonly remembered: boolean;
  /** Only in a bound session. */
  readonly tokenType?: 'DPoP';
}

/**
 * Mints the current pair of a family. The pair depends only on the row and the keys. So a retry gets the same pair
 * although no token is stored. `ids`: the token ids. By default they are derived from the row.
 */
export async function mintPair(
  { codec, secrets }: { readonly codec: TokenCodec; readonly secrets: TokenSecrets },
  family: TokenFamily,
  now: number,
  ids = secrets.derive(family.scheme, family),
): Promise<TokenPair> {
  const claims = accessClaims(family, ids.linkerId);
  const access = await codec.signAccess(claims, family.accessKeyId);
  const unpaired = refreshClaims(family, ids);
  const refresh = await codec.signRefresh(
    family.paired ? { ...unpaired, at_hash: codec.accessHash(access) } : unpaired,
    family.refreshKeyId,
  );
  const pair = {
    access,
    refresh,
    expiresIn: secondsLeft(claims.exp, now),
    refreshExpiresIn: secondsLeft(unpaired.exp, now),
    remembered: family.remembered,
  };
  return family.jkt === null ? pair : { ...pair, tokenType: 'DPoP' };
}

function accessClaims(family: TokenFamily, linkerId: string): AccessClaims {
  return {
    ...sortClaims(family.claims),
    sub: family.userId,
    userId: family.userId,
    sid: family.tokenFamily,
    jti: linkerId,
    linkerId,
    userIp: family.address,
    client_id: family.clientId,
    iat: toSeconds(family.rotatedAt),
    exp: toSeconds(effectiveExpiries(family).access),
    ...authenticationClaims(family.authentication),
    ...confirmationClaim(family),
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
    iat: toSeconds(family.rotatedAt),
    exp: toSeconds(effectiveExpiries(family).refresh),
    ...confirmationClaim(family),
  };
}

function confirmationClaim({ jkt }: TokenFamily): { cnf?: Confirmation } {
  return jkt === null ? {} : { cnf: { jkt } };
}

function toSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
