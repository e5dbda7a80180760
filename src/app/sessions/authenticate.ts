import type { PresentedDpopProof } from '../../domain/dpop.ts';
import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { AccessClaims } from '../../domain/token-pair.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { isSessionLive } from '../tokens/is-session-live.ts';
import { type DpopProofDeps, requireDpopProof } from '../tokens/require-dpop-proof.ts';

/** The scheme with which a request presents its access token, and its DPoP proof. */
export interface Presentation extends PresentedDpopProof {
  readonly scheme: 'bearer' | 'dpop';
}

interface Deps extends DpopProofDeps {
  readonly codec: TokenCodec;
  readonly families: TokenFamilies;
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly clock: Clock;
}

export type Authenticate = (accessToken: string, presentation: Presentation) => Promise<AccessClaims>;

/**
 * The claims of a valid access token of a live session. A bound token needs the scheme `DPoP` and a proof of its key.
 * Otherwise rejects with a {@link Refusal}: `unauthenticated`, `invalid_dpop_proof`, `use_dpop_nonce`, `unavailable`.
 */
export const authenticate =
  (deps: Deps): Authenticate =>
  async (accessToken, presentation) => {
    const claims = await deps.codec.verifyAccess(accessToken, deps.clock(), deps.policy.clockSkew);
    await requireKeyProof(deps, accessToken, claims, presentation);
    if (!(await isSessionLive(deps, claims)))
      throw new Refusal('unauthenticated', 'The session has been ended.');
    return claims;
  };

/**
 * Requires the proof of a bound token. Refuses a bound token with the scheme `Bearer`, and an unbound token with the
 * scheme `DPoP` (RFC 9449 section 7.2).
 */
async function requireKeyProof(
  deps: Deps,
  accessToken: string,
  { cnf }: AccessClaims,
  { scheme, ...presented }: Presentation,
): Promise<void> {
  if (cnf === undefined) {
    if (scheme === 'bearer') return;
    throw new Refusal(
      'unauthenticated',
      'The token is not bound to a key: send it as Authorization: Bearer.',
    );
  }
  if (scheme === 'bearer')
    throw new Refusal(
      'unauthenticated',
      'The token is bound to a key: send it as Authorization: DPoP, with a proof in the header DPoP.',
    );
  await requireDpopProof(deps, presented, { jkt: cnf.jkt, accessToken });
}
