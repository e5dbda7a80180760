import type { RevocationReason } from '../../domain/revocation.ts';
import type { CurrentPair, TokenFamily } from '../../domain/token-family.ts';
import type { OutboxEntry } from './outbox.ts';

/** The row that a rotation builds on: it takes place only where all of these still hold. */
export type ExpectedFamily = Pick<
  TokenFamily,
  | 'tokenFamily'
  | 'userId'
  | 'paired'
  | 'confidential'
  | 'generation'
  | 'hashedRefreshTokenId'
  | 'scheme'
  | 'onAddressChange'
  | 'onUserAgentChange'
  | 'userAgent'
  | 'productHash'
>;

export interface Rotation {
  readonly expected: ExpectedFamily;
  readonly next: CurrentPair;
  /** Hash of the request's `Idempotency-Key` under the expected scheme: the row's own must be another. */
  readonly unlessRetryKey: string | null;
}

/** Where a list goes on: behind the family of this creation time and id. */
export interface FamilyPage {
  readonly now: number;
  readonly limit: number;
  readonly after: Pick<TokenFamily, 'createdAt' | 'tokenFamily'> | null;
}

/** The sessions that ended with a change. */
export interface Ended {
  readonly sessions: readonly string[];
}

/**
 * Token families, one row each.
 *
 * Every method is atomic: the change and the entries given with it commit together or not at all. An entry with
 * `oncePerDay` is recorded only where the family neither was told of that subject on the day of its event (UTC)
 * nor knows it since its login. Methods that change a family are linearizable on it, and a revocation is for ever.
 *
 * All methods reject with {@link StoreUnavailable} when the database cannot be asked.
 */
export interface TokenFamilies {
  /**
   * Stores a new family. With `vouchedBy`, the hash of the password that was given, only as long as that is still
   * the user's: otherwise it answers null, and nothing happens.
   *
   * A user never has more unrevoked families than the limit that the store was made with, however many are opened at
   * the same moment: a family that is one too many revokes the least recently refreshed one (`session_limit`) and
   * records `sessions.revoked` for it. A family past its end counts as refreshed before all others. Where a user has
   * many more, from a time with a higher limit, those end first, in several transactions.
   */
  open(family: TokenFamily, entries: readonly OutboxEntry[], vouchedBy?: string): Promise<Ended | null>;

  /** The family as last committed, or null. */
  find(tokenFamily: string): Promise<TokenFamily | null>;

  /**
   * Compare and set: replaces the current pair and answers the whole row as it now is, or answers null and
   * changes nothing if the row is not as expected, is revoked, is past its end at `next.rotatedAt`, or was
   * rotated under `unlessRetryKey`. The user agent is compared only where the family's policy looks at it.
   */
  rotate(rotation: Rotation, entries: readonly OutboxEntry[]): Promise<TokenFamily | null>;

  /** Revokes a live family; false, and nothing is recorded, if there is none or it was revoked before. */
  revoke(
    tokenFamily: string,
    revocation: { readonly at: number; readonly reason: RevocationReason },
    entries: readonly OutboxEntry[],
  ): Promise<boolean>;

  /**
   * Revokes all live families of a user but one, records `sessions.revoked` for each, and answers which they were.
   * Those beyond the limit of families end first, as in {@link TokenFamilies.open}.
   */
  revokeAll(
    userId: string,
    revocation: {
      readonly at: number;
      readonly reason: RevocationReason;
      readonly except: string | null;
    },
  ): Promise<readonly string[]>;

  /**
   * The families of a user, or with null of all users, that can still be refreshed at a moment, newest first: up to
   * `limit` of those that come behind `after`.
   */
  list(userId: string | null, page: FamilyPage): Promise<readonly TokenFamily[]>;

  /** Records entries about a family, whose row stays as it is. */
  record(tokenFamily: string, entries: readonly OutboxEntry[]): Promise<void>;

  /**
   * Removes up to `limit` families that ended ({@link endOf}) before a moment, the longest ago first, with all that
   * is kept of them, and answers how many. No family goes that lies before its end by the store's own clock, too.
   * One caller at a time over all replicas: the others are answered null at once. Nobody else's change is held up
   * for longer than one call takes, and a family under change may stay until the next call.
   */
  purge(endedBefore: number, limit: number): Promise<number | null>;
}
