import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { AccessClaims } from '../../domain/token-pair.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { isSessionAlive } from '../tokens/is-session-alive.ts';

interface Deps {
  readonly codec: TokenCodec;
  readonly families: TokenFamilies;
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly clock: Clock;
}

export type Authenticate = (accessToken: string) => Promise<AccessClaims>;

/** The claims of a valid access token of a live session. Otherwise rejects with a {@link Refusal} `unauthenticated`. */
export const authenticate =
  (deps: Deps): Authenticate =>
  async (accessToken) => {
    const claims = await deps.codec.verifyAccess(accessToken, deps.clock(), deps.policy.clockSkew);
    if (!(await isSessionAlive(deps, claims)))
      throw new Refusal('unauthenticated', 'The session has been ended.');
    return claims;
  };
