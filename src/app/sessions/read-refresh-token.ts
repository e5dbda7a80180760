import { Refusal } from '../../domain/refusal.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenSecrets } from '../../ports/security/token-secrets.ts';

export interface ReadRefreshDeps {
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
}

/**
 * What a refresh token says, and the scheme under which it was minted: it takes a signature and a linkerId of ours.
 * Whether it has expired or was rotated is not asked. Rejects with a {@link Refusal}: `malformed_token`,
 * `invalid_token`.
 */
export const readRefreshToken =
  ({ codec, secrets }: ReadRefreshDeps) =>
  async (token: string) => {
    const claims = await codec.readRefresh(token);
    const scheme = secrets.prove(claims);
    if (scheme === null) throw new Refusal('invalid_token');
    return { claims, scheme };
  };
