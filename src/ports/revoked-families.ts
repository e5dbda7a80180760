import type { RevocationReason } from '../domain/revocation.ts';

/** The families that any replica revoked recently: those whose access tokens may not have expired yet. */
export interface RevokedFamilies {
  /**
   * Must be called after the revocation has committed. The entry is dropped after `until` (milliseconds), which is
   * {@link Policy.accessTokenAge} plus {@link Policy.clockSkew} after the revocation. Repeated calls are allowed.
   */
  remember(tokenFamily: string, reason: RevocationReason, until: number): void;

  recall(tokenFamily: string): RevocationReason | null;

  /**
   * Whether a family that `recall` does not find is not revoked, apart from revocations in transit. False while the
   * list is loading or disconnected from its feed: then the caller must check the database.
   */
  isComplete(): boolean;
}

/** The list as its feed sees it. Only the feed sets whether the list is complete. */
export interface FedRevokedFamilies extends RevokedFamilies {
  setComplete(complete: boolean): void;
}
