import type { EmailLinkPurpose } from '../../domain/email-address.ts';
import type { User } from '../../domain/user.ts';
import type { ChangeEntry } from './change-entry.ts';

/** A mailed link about an address, valid once. */
export interface EmailLink {
  /** Hash of the link's secret, base64url. */
  readonly hashedToken: string;
  readonly userId: string;
  readonly purpose: EmailLinkPurpose;
  /** The address that the link is about. */
  readonly email: string;
  readonly expiresAt: number;
}

/**
 * Mailed links that prove the address of an account. Every method is atomic: the change and the entries given with it
 * commit together or not at all. Of concurrent uses of one link only one succeeds. A link is not valid if the account
 * has another address by now. All times in milliseconds.
 *
 * All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface EmailLinks {
  /** Stores a link. False, and nothing is recorded, if the account does not exist. */
  add(link: EmailLink, entries: readonly ChangeEntry[]): Promise<boolean>;

  /** The account of a link that proves its address; null if the link is unknown, used or expired. */
  findVerification(hashedToken: string, now: number): Promise<User | null>;

  /** Uses a link: its address is verified from `at` on. False, and nothing changes, if the link is not valid. */
  verify(hashedToken: string, at: number, entries: readonly ChangeEntry[]): Promise<boolean>;

  /** Removes up to `limit` links that expired before `before`, and returns their number. */
  forget(before: number, limit: number): Promise<number>;
}
