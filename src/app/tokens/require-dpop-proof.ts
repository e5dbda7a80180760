import {
  type DpopFault,
  type DpopProof,
  DpopRefusal,
  dpopProofForgottenAt,
  findDpopFault,
  type PresentedDpopProof,
} from '../../domain/dpop.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DpopNonces, DpopProofs } from '../../ports/security/dpop.ts';
import type { UsedDpopProofs } from '../../ports/stores/used-dpop-proofs.ts';
import type { Telemetry } from '../../ports/telemetry.ts';

export interface DpopProofDeps {
  readonly proofs: DpopProofs;
  readonly usedProofs: UsedDpopProofs;
  /** Null: proofs need no nonce. */
  readonly nonces: DpopNonces | null;
  readonly policy: Pick<Policy, 'clockSkew'>;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, 'dpopRefused'>;
}

/** What the proof must match besides the request. `jkt` null: any key. `accessToken` null: the request has none. */
interface Expected {
  readonly jkt: string | null;
  readonly accessToken: string | null;
}

/** Requires a proof that fits the request and was not used before. Otherwise rejects with a {@link DpopRefusal}. */
export async function requireDpopProof(
  deps: DpopProofDeps,
  presented: PresentedDpopProof,
  expected: Expected,
): Promise<void> {
  await useDpopProof(deps, await checkDpopProof(deps, presented, expected));
}

/**
 * The checks of a proof that change nothing. The caller must use the proof before it acts on it: {@link useDpopProof}.
 */
export async function checkDpopProof(
  deps: DpopProofDeps,
  presented: PresentedDpopProof,
  { jkt, accessToken }: Expected,
): Promise<DpopProof> {
  if (presented.proof === null) throw dpopRefusal(deps, 'missing');
  const proof = await deps.proofs.read(presented.proof);
  if (proof === null) throw dpopRefusal(deps, 'malformed');
  const ath = accessToken === null ? null : deps.proofs.hashAccessToken(accessToken);
  const times = { now: deps.clock(), clockSkew: deps.policy.clockSkew };
  const fault = findDpopFault(proof, presented, { jkt, ath }, times);
  if (fault !== null) throw dpopRefusal(deps, fault);
  if (!hasNonce(deps, proof, times)) throw dpopRefusal(deps, 'nonce');
  return proof;
}

/** Checked last, so that a client is asked for a nonce only if its proof has no other fault. */
function hasNonce(
  { nonces }: DpopProofDeps,
  { nonce }: DpopProof,
  { now, clockSkew }: { readonly now: number; readonly clockSkew: number },
): boolean {
  return nonces === null || (nonce !== null && nonces.isValid(nonce, now, clockSkew));
}

/** Records that a checked proof is used, so that it cannot be used again. */
export async function useDpopProof(deps: DpopProofDeps, proof: DpopProof): Promise<void> {
  const now = deps.clock();
  const isFirst = await deps.usedProofs.use(proof, now, dpopProofForgottenAt(now, deps.policy.clockSkew));
  if (!isFirst) throw dpopRefusal(deps, 'replayed');
}

/** Makes a refusal, and counts it. */
export function dpopRefusal({ telemetry }: Pick<DpopProofDeps, 'telemetry'>, fault: DpopFault): DpopRefusal {
  telemetry.dpopRefused(fault);
  return new DpopRefusal(fault);
}
