import { Refusal } from '../../domain/refusal.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenSecrets } from '../../ports/security/token-secrets.ts';

export interface ReadRefreshDeps {
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
}

/**
 * Verifies the signature and the `linkerId` of a refresh token. Returns its claims and its scheme. Does not check
 * whether the token has expired or was rotated. Rejects with a {@link Refusal}: `malformed_token`, `invalid_token`.
 */
export async function readRefreshToken({ codec, secrets }: ReadRefreshDeps, token: string) {
  const claims = await codec.readRefresh(token);
  const scheme = secrets.findScheme(claims);
  if (scheme === null) throw new Refusal('invalid_token');
  return { claims, scheme };
}
