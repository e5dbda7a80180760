import {
  type DpopProof,
  findProofFault,
  forgetProofAt,
  type PresentedProof,
  type ProofFault,
  ProofRefusal,
} from '../../domain/dpop.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DpopNonces } from '../../ports/security/dpop-nonces.ts';
import type { DpopProofs } from '../../ports/security/dpop-proofs.ts';
import type { UsedProofs } from '../../ports/stores/used-proofs.ts';
import type { Telemetry } from '../../ports/telemetry.ts';

export interface ProofDeps {
  readonly proofs: DpopProofs;
  readonly usedProofs: UsedProofs;
  /** Null: proofs need no nonce. */
  readonly nonces: DpopNonces | null;
  readonly policy: Pick<Policy, 'clockSkew'>;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, 'proofRefused'>;
}

/** What the proof must match besides the request. Null: any key; no access token in the request. */
interface Expected {
  readonly jkt: string | null;
  readonly accessToken: string | null;
}

/** Requires a proof that fits the request and was not used before. Otherwise rejects with a {@link ProofRefusal}. */
export async function requireProof(
  deps: ProofDeps,
  presented: PresentedProof,
  expected: Expected,
): Promise<void> {
  await useProof(deps, await checkProof(deps, presented, expected));
}

/** The checks of a proof that change nothing. The caller must use the proof before it acts on it: {@link useProof}. */
export async function checkProof(
  deps: ProofDeps,
  presented: PresentedProof,
  { jkt, accessToken }: Expected,
): Promise<DpopProof> {
  if (presented.proof === null) throw refuseProof(deps, 'missing');
  const proof = await deps.proofs.read(presented.proof);
  if (proof === null) throw refuseProof(deps, 'malformed');
  const ath = accessToken === null ? null : deps.proofs.hashAccessToken(accessToken);
  const times = { now: deps.clock(), clockSkew: deps.policy.clockSkew };
  const fault = findProofFault(proof, presented, { jkt, ath }, times);
  if (fault !== null) throw refuseProof(deps, fault);
  if (!hasNonce(deps, proof, times)) throw refuseProof(deps, 'nonce');
  return proof;
}

/** Checked last, so that a nonce is asked for only if it makes the proof acceptable. */
function hasNonce(
  { nonces }: ProofDeps,
  { nonce }: DpopProof,
  { now, clockSkew }: { readonly now: number; readonly clockSkew: number },
): boolean {
  return nonces === null || (nonce !== null && nonces.isValid(nonce, now, clockSkew));
}

/** Records that a checked proof is used, so that it cannot be used again. */
export async function useProof(deps: ProofDeps, proof: DpopProof): Promise<void> {
  const now = deps.clock();
  const isFirst = await deps.usedProofs.use(proof, now, forgetProofAt(now, deps.policy.clockSkew));
  if (!isFirst) throw refuseProof(deps, 'replayed');
}

/** Counts the refusal. */
export function refuseProof({ telemetry }: Pick<ProofDeps, 'telemetry'>, fault: ProofFault): ProofRefusal {
  telemetry.proofRefused(fault);
  return new ProofRefusal(fault);
}
