import type { RevocationReason } from '../../domain/revocation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';

/** The revocations that this process made itself. */
export function createRevokedFamilies(clock: Clock): RevokedFamilies {
  const known = new Map<string, { reason: RevocationReason; until: number }>();

  return {
    remember(tokenFamily, reason, until) {
      forgetOld();
      known.delete(tokenFamily);
      known.set(tokenFamily, { reason, until });
    },
    recall(tokenFamily) {
      return known.get(tokenFamily)?.reason ?? null;
    },
  };

  /** The oldest stand first: what is kept is what was revoked within one lifetime of an access token. */
  function forgetOld(): void {
    for (const [tokenFamily, { until }] of known) {
      if (until > clock()) return;
      known.delete(tokenFamily);
    }
  }
}
