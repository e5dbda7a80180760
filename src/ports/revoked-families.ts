import type { RevocationReason } from '../domain/revocation.ts';

/** The families that any replica revoked recently: those whose access tokens may not have expired yet. */
export interface RevokedFamilies {
  /**
   * Must be called after the revocation has committed. The entry is dropped after `until` (milliseconds), which is
   * {@link Policy.accessTokenAge} plus {@link Policy.clockSkew} after the revocation. Repeated calls are allowed.
   */
  remember(tokenFamily: string, reason: RevocationReason, until: number): void;

  /** The reason of the remembered revocation; null if the list does not have the family. */
  recall(tokenFamily: string): RevocationReason | null;

  /**
   * True: a family that `recall` does not find was not revoked recently, unless its revocation is still in transit.
   * False while the list is loading or disconnected from its feed: then the caller must check the database.
   */
  isComplete(): boolean;
}

/** A family of the list. Its entry is dropped after `until`, in milliseconds. */
export interface RevokedFamily {
  readonly tokenFamily: string;
  readonly until: number;
}

/** Both methods are called synchronously and must not throw. */
export interface RevocationFollower {
  /**
   * Called for each family that is added to the list. Called again if the family is revoked later than the list says.
   */
  onRevoked(family: RevokedFamily): void;
  /** The list has become incomplete, so the follower may miss revocations. It is no longer called. */
  onIncomplete(): void;
}

/** The list as its followers see it. */
export interface FollowedRevokedFamilies extends Pick<RevokedFamilies, 'isComplete'> {
  /** All families of the list. A family that is added during the iteration is part of it. */
  families(): IterableIterator<RevokedFamily>;
  /** Calls the follower until the returned function is called. */
  follow(follower: RevocationFollower): () => void;
  /** The number of followers. */
  followers(): number;
}

/** The list as its feed sees it. Only the feed sets whether the list is complete. */
export interface FedRevokedFamilies extends RevokedFamilies {
  setComplete(complete: boolean): void;
}
