import type { User } from '../../domain/user.ts';
import type { ChangeCondition } from './change-condition.ts';
import type { ChangeEntry } from './change-entry.ts';
import type { EmailLink } from './email-links.ts';
import type { EndedSessions } from './token-families.ts';

/**
 * The link for the new address, and the link for the former address that undoes the change. `undo` is null if the
 * former address is not verified.
 */
export interface RequestedChange {
  readonly change: EmailLink;
  readonly undo: EmailLink | null;
}

/** The account of a link, and the address that the link sets. */
export interface FoundChange {
  readonly user: User;
  readonly email: string;
}

/**
 * Changes of the address of an account. Every method is atomic: the change, the end of sessions and the entries given
 * with it commit together or not at all. Of concurrent uses of one link only one succeeds. The owner of a link has
 * proved its address, so the address is verified from then on. All times in milliseconds.
 *
 * All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface EmailChanges {
  /** Whether another account has this identifier, or had it as its address and keeps it reserved at `now`. */
  isTaken(identifier: string, userId: string, now: number): Promise<boolean>;

  /**
   * Stores the links, and removes the earlier `change` links of the account. False, and nothing changes, if the
   * account is deleted or the condition does not hold. A new password removes the `change` links, too.
   */
  request(
    requested: RequestedChange,
    condition: ChangeCondition | null,
    entries: readonly ChangeEntry[],
  ): Promise<boolean>;

  /** Null: the link is unknown, used or expired. */
  find(hashedToken: string, purpose: 'change' | 'undo', now: number): Promise<FoundChange | null>;

  /**
   * Uses a `change` link. The former address stays reserved until `reservedUntil`; if it is not verified, it is free at
   * once. Links for a new password that were mailed to the former address are removed. `taken`, and nothing changes, if
   * another account has the new address by now, or keeps it reserved.
   */
  apply(
    hashedToken: string,
    times: { readonly at: number; readonly reservedUntil: number },
    entries: readonly ChangeEntry[],
  ): Promise<'changed' | 'taken' | 'invalid'>;

  /**
   * Uses an `undo` link: sets the former address and ends all sessions. Removes all links of the account except those
   * that undo an earlier change. The address that the account had is free at once, unless an earlier undo link restores
   * it: then it stays reserved until that link expires. Null, and nothing changes, if the link is not valid, or the
   * account has another address than `from`. `taken`, and nothing changes, if another account has the former address.
   * Only links of older releases can outlive the reservation and so meet this case.
   */
  undo(
    hashedToken: string,
    change: { readonly from: string; readonly at: number },
    entries: readonly ChangeEntry[],
  ): Promise<EndedSessions | 'taken' | null>;

  /** Removes up to `limit` reservations that ended before `before`, and returns their number. */
  forgetReservations(before: number, limit: number): Promise<number>;
}
