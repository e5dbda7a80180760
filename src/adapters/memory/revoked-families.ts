import type { RevocationReason } from '../../domain/revocation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { FedRevokedFamilies } from '../../ports/revoked-families.ts';

/** The list of revoked families in the memory of this process. It is incomplete until the feed calls `setComplete`. */
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
   * Stops at the first entry that has not expired: entries are almost ordered by time. The clocks of replicas differ
   * a little, so an expired entry may stay behind an unexpired one for that long.
   */
  function forgetOld(): void {
    for (const [tokenFamily, { until }] of known) {
      if (until > clock()) return;
      known.delete(tokenFamily);
    }
  }
}
