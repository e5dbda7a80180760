import { shortHash } from '../../lib/short-hash.ts';
import { type UsedDpopProofs, UsedDpopProofsFull } from '../../ports/stores/used-dpop-proofs.ts';

/** About 30 MB. Proofs are remembered for about two minutes, so this allows more than 1,500 proofs a second. */
const MAX_ENTRIES = 200_000;

/** Used proofs in the memory of this process. The memory is bounded, and a proof is forgotten only after its time. */
export function createMemoryUsedProofs({ maxEntries = MAX_ENTRIES } = {}): UsedDpopProofs {
  const used = new Map<string, number>();

  return {
    async use({ jkt, jti }, now, until) {
      forgetOld(now);
      const key = shortHash(`${jkt} ${jti}`);
      if ((used.get(key) ?? now) > now) return false;
      if (used.size >= maxEntries) throw new UsedDpopProofsFull();
      used.delete(key);
      used.set(key, until);
      return true;
    },
  };

  /**
   * Entries are ordered by the time of their writing. That is also the order of their expiry, unless the system clock
   * jumps.
   */
  function forgetOld(now: number): void {
    for (const [key, until] of used) {
      if (until > now) return;
      used.delete(key);
    }
  }
}
