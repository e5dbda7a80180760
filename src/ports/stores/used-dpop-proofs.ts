import type { DpopProof } from '../../domain/dpop.ts';
import { Refusal } from '../../domain/refusal.ts';

/** There is no room for another proof. A proof that cannot be recorded is not accepted: it could be used twice. */
export class UsedDpopProofsFull extends Refusal {
  override readonly name = 'UsedDpopProofsFull';

  constructor(cause?: unknown) {
    super('unavailable', 'Too many proofs were used within a short time. Try again later.', { cause });
  }
}

/** The proofs that were used. Two proofs are the same if they have the same key and `jti`. */
export interface UsedDpopProofs {
  /**
   * Records at `now` that a proof was used. The record lasts until `until`. Both times in milliseconds. False: the
   * proof was used before. Atomic: of concurrent calls for one proof, one returns true. Must be called only for a proof
   * of the right key: otherwise a stranger could fill the store.
   *
   * Rejects with {@link UsedDpopProofsFull} if there is no room, and with {@link StoreUnavailable} if the store is not
   * reachable.
   */
  use(proof: Pick<DpopProof, 'jkt' | 'jti'>, now: number, until: number): Promise<boolean>;
}
