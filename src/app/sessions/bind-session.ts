import type { DpopMode, DpopProof, PresentedProof } from '../../domain/dpop.ts';
import { Refusal } from '../../domain/refusal.ts';
import { checkProof, type ProofDeps, refuseProof } from '../tokens/require-proof.ts';

export interface BindingDeps extends ProofDeps {
  readonly policy: ProofDeps['policy'] & { readonly dpop: DpopMode };
}

/** What a login says about the key of its session. A front door names no key. */
export interface BindingInput {
  /** The proof of the client that logs in. */
  readonly presented?: PresentedProof | undefined;
  /** The thumbprint that a trusted backend states for its client. */
  readonly dpopJkt?: string | undefined;
  /** Whether the caller may open bound sessions only. */
  readonly mustBind?: boolean | undefined;
}

/** The key of a new session; null: it is not bound. The caller must still use up the proof. */
export interface Binding {
  readonly jkt: string | null;
  readonly proof: DpopProof | null;
}

/** Decides to which key a login binds its session. Rejects with a {@link Refusal}. */
export async function readBinding(
  deps: BindingDeps,
  { presented, dpopJkt, mustBind = false }: BindingInput,
): Promise<Binding> {
  const { dpop } = deps.policy;
  const hasProof = presented !== undefined && presented.proof !== null;
  if (dpopJkt !== undefined) {
    if (dpop === 'off') throw new Refusal('invalid_request', 'querystring/dpopJkt needs DPOP, which is off.');
    if (hasProof) throw new Refusal('invalid_request', 'Send either dpopJkt or a proof, not both.');
    return { jkt: dpopJkt, proof: null };
  }
  if (hasProof && dpop !== 'off') {
    const proof = await checkProof(deps, presented, { jkt: null, accessToken: null });
    return { jkt: proof.jkt, proof };
  }
  if (mustBind || dpop === 'required') throw refuseProof(deps, 'required');
  return { jkt: null, proof: null };
}
