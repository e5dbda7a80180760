import type { RevocationReason } from '../../domain/revocation.ts';
import type { User } from '../../domain/user.ts';
import type { OutboxEntry } from './outbox.ts';
import type { Ended } from './token-families.ts';

/** A password that was set anew, and which sessions end with that. */
export interface PasswordChange {
  readonly passwordHash: string;
  /** The session that goes on, if any. */
  readonly except: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A link by which a password can be set anew, once. */
export interface PasswordReset {
  /** Hash of the link's secret, base64url. */
  readonly hashedToken: string;
  readonly userId: string;
  readonly expiresAt: number;
}

/** An account as others may know it. */
export type NamedUser = Pick<User, 'id' | 'username'>;

/**
 * Accounts. Every method is atomic: the change, the end of sessions and the entries given with it commit together
 * or not at all; each session that ends is recorded as `sessions.revoked`. A session that is opened with a
 * password (see {@link TokenFamilies.open}) either is among those that end, or is not opened. Where a user has
 * many more sessions than the limit, those beyond it end in transactions of their own before the change.
 *
 * All methods reject with {@link StoreUnavailable} when the database cannot be asked.
 */
export interface Users {
  /** False, and nothing is recorded, if one of the identifiers belongs to somebody. */
  create(user: User, entries: readonly OutboxEntry[]): Promise<boolean>;

  find(id: string): Promise<User | null>;

  /** By name or address, in the form of `identifierOf`. */
  findByIdentifier(identifier: string): Promise<User | null>;

  /** The newest accounts, up to `limit`, newest first. */
  list(limit: number): Promise<readonly NamedUser[]>;

  /** Replaces the hash of an unchanged password; false, with nothing changed, if it is not `expected` any more. */
  rehash(id: string, expected: string, passwordHash: string): Promise<boolean>;

  /** Null, and nothing happens, if the user is gone or the hash is not `expected` any more. */
  changePassword(
    id: string,
    expected: string,
    change: PasswordChange,
    entries: readonly OutboxEntry[],
  ): Promise<Ended | null>;

  openReset(reset: PasswordReset, entries: readonly OutboxEntry[]): Promise<void>;

  /** The user whose reset this is, while it is good. */
  findReset(hashedToken: string, now: number): Promise<User | null>;

  /** Uses the reset up, with all others of the same user. Null, and nothing happens, if it is not good any more. */
  useReset(
    hashedToken: string,
    change: PasswordChange,
    entries: readonly OutboxEntry[],
  ): Promise<Ended | null>;

  /** Removes up to `limit` resets that expired before a moment; answers how many. */
  forgetResets(before: number, limit: number): Promise<number>;

  /** Removes the account; null if it is gone or the hash is not `expected` any more. */
  remove(
    id: string,
    expected: string,
    revocation: { readonly at: number; readonly reason: RevocationReason },
    entries: readonly OutboxEntry[],
  ): Promise<Ended | null>;
}
