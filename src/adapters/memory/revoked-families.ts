import type { RevocationReason } from '../../domain/revocation.ts';
import type { Clock } from '../../ports/clock.ts';
import type {
  FedRevokedFamilies,
  FollowedRevokedFamilies,
  RevocationFollower,
  RevokedFamily,
} from '../../ports/revoked-families.ts';

/** The list of revoked families in the memory of this process. It is incomplete until the feed calls `setComplete`. */
export function createRevokedFamilies(clock: Clock): FedRevokedFamilies & FollowedRevokedFamilies {
  const known = new Map<string, { reason: RevocationReason; until: number }>();
  const followers = new Set<RevocationFollower>();
  let complete = false;

  return {
    remember(tokenFamily, reason, until) {
      forgetOld();
      const before = known.get(tokenFamily);
      // A poll reads a family again and again. An unchanged entry is not moved to the end of the map. Otherwise an
      // iteration over the map might never end.
      if (before !== undefined && before.until >= until) return;
      known.delete(tokenFamily);
      known.set(tokenFamily, { reason, until });
      for (const { onRevoked } of followers) onRevoked({ tokenFamily, until });
    },
    recall(tokenFamily) {
      const entry = known.get(tokenFamily);
      return entry !== undefined && entry.until > clock() ? entry.reason : null;
    },
    isComplete: () => complete,
    setComplete(value) {
      complete = value;
      forgetOld();
      if (value) return;
      const left = [...followers];
      followers.clear();
      for (const { onIncomplete } of left) onIncomplete();
    },
    families,
    follow(follower) {
      followers.add(follower);
      return () => void followers.delete(follower);
    },
    followers: () => followers.size,
  };

  function* families(): IterableIterator<RevokedFamily> {
    for (const [tokenFamily, { until }] of known) if (until > clock()) yield { tokenFamily, until };
  }

  /**
   * Stops at the first entry that has not expired: entries are almost ordered by time. The clocks of replicas differ a
   * little. An expired entry may stay in the list for as long as they differ.
   */
  function forgetOld(): void {
    for (const [tokenFamily, { until }] of known) {
      if (until > clock()) return;
      known.delete(tokenFamily);
    }
  }
}
