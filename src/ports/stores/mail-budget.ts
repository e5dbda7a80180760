import type { ClaimedEntry } from './outbox.ts';

/**
 * How many mails each recipient was sent ({@link MAIL_BUDGET}), and the mails of the outbox that wait for a digest
 * because there were too many. A recipient is any text; only a hash of it is stored. All times in milliseconds.
 *
 * All methods reject with {@link StoreUnavailable} when the database cannot be asked.
 */
export interface MailBudget {
  /** Counts one mail more; false, and nothing is counted, where the budget is used up. Atomic over all replicas. */
  take(recipient: string, now: number): Promise<boolean>;

  /** Puts a claimed mail aside until the recipient's digest is due. The outbox no longer hands it out. */
  hold(id: string, recipient: string, until: number): Promise<void>;

  /**
   * Claims up to `limit` mails held for one recipient whose digest is due, oldest first, until `leasedUntil`; none
   * where no digest is due. One caller at a time gets the mails of a recipient. A claim that is neither settled nor
   * postponed comes back after its lease.
   */
  claimDigest(now: number, leasedUntil: number, limit: number): Promise<readonly ClaimedEntry[]>;

  /**
   * Removes up to `limit` counts of recipients who were sent nothing since a moment and have nothing held; answers how
   * many.
   */
  forget(before: number, limit: number): Promise<number>;
}
