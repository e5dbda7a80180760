import type { RevocationReason } from '../../domain/revocation.ts';
import type { Role, User } from '../../domain/user.ts';
import type { ChangeCondition } from './change-condition.ts';
import type { ChangeEntry } from './change-entry.ts';
import type { EmailLink } from './email-links.ts';
import type { EndedSessions } from './token-families.ts';

/** A new password hash, and the session that does not end with the change. */
export interface PasswordChange {
  readonly passwordHash: string;
  /** The session that stays alive; null: all sessions end. */
  readonly except: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A mailed link that sets a new password once. */
export interface PasswordReset {
  /** Hash of the link's secret, base64url. */
  readonly hashedToken: string;
  readonly userId: string;
  readonly expiresAt: number;
}

/** The links of a new account: one proves its address, one sets its first password. */
export interface FirstLinks {
  readonly verification?: EmailLink | undefined;
  readonly reset?: PasswordReset | undefined;
}

/** What {@link Users.change} did. `outdated`: the account is not as expected, or is deleted. */
export type AccountChangeResult = 'changed' | 'taken' | 'outdated';

/** An account, and whether it had a confirmed second factor when it was read. */
export interface FoundUser extends User {
  readonly hasSecondFactor: boolean;
}

/** An account without its secrets. */
export type NamedUser = Pick<User, 'id' | 'username' | 'email' | 'emailVerifiedAt'>;

/**
 * Accounts. Every method is atomic: the change, the end of sessions and the given entries commit together or not at
 * all. Each session that ends is recorded as `sessions.revoked`. A concurrent login with the former password (see
 * {@link TokenFamilies.open}) opens no session, or its session ends with the others. If a user has many more sessions
 * than the limit, the excess sessions end before the change, in separate transactions. Each change of a password hash
 * gives the account a new security version: see {@link SecondFactors}.
 *
 * All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface Users {
  /**
   * Stores a new account and its links. False, and nothing is recorded, if another account has one of the identifiers,
   * or keeps it reserved: see {@link EmailChanges}.
   */
  create(user: User, entries: readonly ChangeEntry[], links?: FirstLinks): Promise<boolean>;

  /**
   * Replaces the name, the address and its verification by those of `next`, and stores a link that proves the address.
   * Another address removes all earlier links of the account, and its former addresses are free at once. `taken`, and
   * nothing changes, if another account has an identifier of `next`, or keeps it reserved at `at`. `outdated`, and
   * nothing changes, if the account is no longer `expected`.
   */
  change(
    expected: NamedUser,
    next: NamedUser,
    change: { readonly at: number; readonly verification?: EmailLink | undefined },
    entries: readonly ChangeEntry[],
  ): Promise<AccountChangeResult>;

  find(id: string): Promise<User | null>;

  /** Finds an account by name or address, in the form of `identifierOf`. */
  findByIdentifier(identifier: string): Promise<FoundUser | null>;

  /** Up to `limit` accounts, newest first. */
  list(limit: number): Promise<readonly NamedUser[]>;

  /**
   * Replaces the roles of an account. False, and nothing is recorded, if there is no such account, or it has these
   * roles.
   */
  setRoles(id: string, roles: readonly Role[], entries: readonly ChangeEntry[]): Promise<boolean>;

  /** Replaces the hash of an unchanged password. False, and nothing changes, if the hash is no longer `expected`. */
  rehash(id: string, expected: string, passwordHash: string): Promise<boolean>;

  /**
   * Changes the password hash, and removes all links of the account for a new password or a new address. Null, and
   * nothing changes, if the account is deleted or the condition does not hold.
   */
  changePassword(
    id: string,
    condition: ChangeCondition | null,
    change: PasswordChange,
    entries: readonly ChangeEntry[],
  ): Promise<EndedSessions | null>;

  addReset(reset: PasswordReset, entries: readonly ChangeEntry[]): Promise<void>;

  /** The user of the reset; null if the reset is unknown, used or expired. */
  findReset(hashedToken: string, now: number): Promise<User | null>;

  /**
   * Sets the password, and removes all links of the account except those that undo a change of its address. The address
   * of the user is verified from `change.at` on, unless it was verified before: the reset was mailed to it. Null, and
   * nothing changes, if the reset is not valid.
   */
  useReset(
    hashedToken: string,
    change: PasswordChange,
    entries: readonly ChangeEntry[],
  ): Promise<EndedSessions | null>;

  /** Removes up to `limit` resets that expired before `before`, and returns their number. */
  forgetResets(before: number, limit: number): Promise<number>;

  /** Removes the account. Null, and nothing changes, if it is already deleted or the condition does not hold. */
  remove(
    id: string,
    condition: ChangeCondition | null,
    revocation: { readonly at: number; readonly reason: RevocationReason },
    entries: readonly ChangeEntry[],
  ): Promise<EndedSessions | null>;
}
