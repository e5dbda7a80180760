import type { RevocationReason } from '../../domain/revocation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { FedRevokedFamilies } from '../../ports/revoked-families.ts';

/** The list in this process's memory: not complete until a feed says so. */
export function createRevokedFamilies(clock: Clock): FedRevokedFamilies {
  const known = new Map<string, { reason: RevocationReason; until: number }>();
  let complete = false;

  return {
    remember(tokenFamily, reason, until) {
      forgetOld();
      const before = known.get(tokenFamily)?.until ?? until;
      known.delete(tokenFamily);
      known.set(tokenFamily, { reason, until: Math.max(before, until) });
    },
    recall(tokenFamily) {
      const entry = known.get(tokenFamily);
      return entry !== undefined && entry.until > clock() ? entry.reason : null;
    },
    isComplete: () => complete,
    setComplete(value) {
      complete = value;
      forgetOld();
    },
  };

  /**
   * The oldest stand first, but for the little that clocks of replicas differ by; so each look ends at the first
   * entry that is to be kept, and one out of order goes soon after.
   */
  function forgetOld(): void {
    for (const [tokenFamily, { until }] of known) {
      if (until > clock()) return;
      known.delete(tokenFamily);
    }
  }
}
