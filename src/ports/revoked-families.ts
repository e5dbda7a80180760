import type { RevocationReason } from '../domain/revocation.ts';

/** The families that this replica saw revoked lately. */
export interface RevokedFamilies {
  /** To be called once the revocation has committed; forgotten after `until` (milliseconds). */
  remember(tokenFamily: string, reason: RevocationReason, until: number): void;
  recall(tokenFamily: string): RevocationReason | null;
}
