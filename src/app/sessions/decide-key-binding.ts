import type { DpopMode, DpopProof, PresentedDpopProof } from '../../domain/dpop.ts';
import { Refusal } from '../../domain/refusal.ts';
import { checkDpopProof, type DpopProofDeps, dpopRefusal } from '../tokens/require-dpop-proof.ts';

export interface BindingDeps extends DpopProofDeps {
  readonly policy: DpopProofDeps['policy'] & { readonly dpop: DpopMode };
}

/** What a login says about the key of its session. A front door names no key. */
export interface KeyBindingInput {
  /** The proof of the client that logs in. */
  readonly presented?: PresentedDpopProof | undefined;
  /** The thumbprint that a trusted backend states for its client. */
  readonly dpopJkt?: string | undefined;
  /** Whether the caller may open bound sessions only. */
  readonly mustBind?: boolean | undefined;
}

/** The key of a new session; null: it is not bound. The caller must still use up the proof. */
export interface KeyBinding {
  readonly jkt: string | null;
  readonly proof: DpopProof | null;
}

/** Decides to which key a login binds its session. Rejects with a {@link Refusal}. */
export async function decideKeyBinding(
  deps: BindingDeps,
  { presented, dpopJkt, mustBind = false }: KeyBindingInput,
): Promise<KeyBinding> {
  const { dpop } = deps.policy;
  const hasProof = presented !== undefined && presented.proof !== null;
  if (dpopJkt !== undefined) {
    if (dpop === 'off')
      throw new Refusal(
        'invalid_request',
        'The parameter dpopJkt is not accepted, because the setting DPOP is off.',
      );
    if (hasProof) throw new Refusal('invalid_request', 'Send either dpopJkt or a proof, not both.');
    return { jkt: dpopJkt, proof: null };
  }
  if (hasProof && dpop !== 'off') {
    const proof = await checkDpopProof(deps, presented, { jkt: null, accessToken: null });
    return { jkt: proof.jkt, proof };
  }
  if (mustBind || dpop === 'required') throw dpopRefusal(deps, 'required');
  return { jkt: null, proof: null };
}
