import type { ClaimedEntry } from './outbox.ts';

/**
 * The counts of mails per recipient ({@link MAIL_BUDGET}), and the mails beyond the budget, which wait for a digest.
 * A recipient is any text; only its hash is stored. All times in milliseconds.
 *
 * All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface MailBudget {
  /**
   * Counts a claimed mail once, also if it is taken at several attempts. False, and nothing is counted, if the budget
   * is used up, or the mail has left the outbox. Atomic over all replicas.
   */
  take(id: string, recipient: string, now: number): Promise<boolean>;

  /** Holds a claimed mail until the recipient's digest is due. {@link Outbox.claim} no longer returns the mail. */
  hold(id: string, recipient: string, until: number): Promise<void>;

  /**
   * Claims up to `limit` held mails of one recipient whose digest is due, oldest first, until `leasedUntil`. The result
   * is empty if no digest is due. Only one caller at a time claims the mails of a recipient. Mails that are neither
   * acknowledged nor postponed can be claimed again after the lease.
   */
  claimDigest(now: number, leasedUntil: number, limit: number): Promise<readonly ClaimedEntry[]>;

  /**
   * Removes up to `limit` counts of recipients without a mail since `before` and without held mails. Returns the number
   * of removed counts.
   */
  forget(before: number, limit: number): Promise<number>;
}
