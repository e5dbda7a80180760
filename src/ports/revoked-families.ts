import type { RevocationReason } from '../domain/revocation.ts';

/** The families that were revoked lately, on whatever replica: those whose access tokens may not have expired. */
export interface RevokedFamilies {
  /**
   * To be called once the revocation has committed; forgotten after `until` (milliseconds), which is
   * {@link Policy.accessTokenAge} and {@link Policy.clockSkew} after the revocation. May be called again.
   */
  remember(tokenFamily: string, reason: RevocationReason, until: number): void;

  recall(tokenFamily: string): RevocationReason | null;

  /**
   * Whether a family that is not recalled is known not to have been revoked, but for what is on its way this very
   * moment. False while the list is not loaded yet or cut off from its feed: the database must be asked then.
   */
  isComplete(): boolean;
}

/** The list as the feed sees it, which alone knows whether it is complete. */
export interface FedRevokedFamilies extends RevokedFamilies {
  setComplete(complete: boolean): void;
}
