import type { ChangeOrigin } from '../../domain/audit.ts';
import type { Authentication } from '../../domain/authentication.ts';
import type { Claims } from '../../domain/claims.ts';
import type { IdentityProofUse } from '../../domain/identity-proof.ts';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { CurrentPair, TokenFamily } from '../../domain/token-family.ts';
import type { ChangeEntry } from './change-entry.ts';

/** The row that a rotation expects. If the row has other values by then, the rotation changes nothing. */
export type ExpectedFamily = Pick<
  TokenFamily,
  | 'tokenFamily'
  | 'userId'
  | 'paired'
  | 'confidential'
  | 'jkt'
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
  /** Hash of the request's `Idempotency-Key` under the expected scheme. The rotation fails if the row has it. */
  readonly unlessRetryKey: string | null;
}

/** A rotation by a step-up: the new authentication, and the proof that it relies on. */
export interface StepUp extends Rotation {
  readonly authentication: Authentication;
  readonly proof: IdentityProofUse;
  /**
   * Keyed hash of a new cookie, base64url, for a family that is the session of a page: see {@link AccountPageSessions}.
   * The former cookie ends with the step-up.
   */
  readonly hashedCookie?: string;
}

/** A page of a list. It starts behind the family `after`; null: the first page. */
export interface FamilyPage {
  readonly now: number;
  readonly limit: number;
  readonly after: FamilyPosition | null;
}

/** Which families operators look for. */
export interface FamilyFilter {
  /** Null: the families of all users. */
  readonly userId: string | null;
  /** `ended` also holds the expired families that are still stored. */
  readonly state: 'live' | 'ended' | 'all';
  /** The address of the login or of the last refresh. */
  readonly address?: string;
  /** The client that opened the family. */
  readonly clientId?: string;
  /** A part of the stored user agent. Letter case does not matter. */
  readonly agent?: string;
}

/** The position of a family in a list. */
export type FamilyPosition = Pick<TokenFamily, 'createdAt' | 'tokenFamily'>;

/** A page of found families. */
export interface FoundFamilies {
  readonly families: readonly TokenFamily[];
  /** The position behind which the next page begins; null: this is the last page. */
  readonly next: FamilyPosition | null;
}

/** The condition on the user's account under which a session is opened. */
export interface OpeningCondition {
  /** The hash of the verified password. Without it the user needs no account. */
  readonly passwordHash?: string;
  /** Whether an account with a confirmed second factor is refused. */
  readonly refuseSecondFactor: boolean;
}

/** The sessions that a change ended. */
export interface EndedSessions {
  readonly sessions: readonly string[];
}

/** The result of a login: the sessions that ended for it, and the merged claims of the new family. */
export interface OpenedSession extends EndedSessions {
  readonly claims: Claims;
}

/** What operators change of a family. An absent value stays as it is. */
export interface FamilyChanges {
  readonly deviceName?: string | null;
  /** The session's own claims. They come, merged with the claims of the user, with the next pair. */
  readonly sessionClaims?: Claims;
}

/**
 * The store of token families, one row each.
 *
 * Every method is atomic: the change and the given entries commit together or not at all. An entry with `oncePerDay` is
 * recorded at most once for each family, subject and day of its event (UTC). A subject in `knownSinceLogin` is never
 * recorded. Changes of one family are linearizable, and a revocation is permanent.
 *
 * All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface TokenFamilies {
  /**
   * Stores a new family, and adds the claims of its user. Null, and nothing changes, if the account is not as the
   * condition says. `disabled`, and nothing changes, if the user is disabled: see {@link UserStates}.
   *
   * A user never has more unrevoked families than the store's limit, even if many are opened at the same moment. A
   * family beyond the limit revokes the least recently refreshed one (`session_limit`) and records `sessions.revoked`
   * for it. An expired family counts as the least recently refreshed. If an earlier, higher limit left many more
   * families, the excess families end first, in several transactions.
   *
   * An entry with `ifNewDevice` is recorded only if the user had a family before, and the device is unknown. A device
   * is a pair of network and product. A pair is known for {@link DEVICE_KNOWN_FOR} after a login or refresh from it.
   * The 50 most recently used pairs of a user are known, also after a purge.
   */
  open(
    family: TokenFamily,
    entries: readonly ChangeEntry[],
    condition?: OpeningCondition,
  ): Promise<OpenedSession | 'disabled' | null>;

  /** The family as last committed; null if it does not exist. */
  find(tokenFamily: string): Promise<TokenFamily | null>;

  /**
   * Compare-and-set: replaces the current pair, makes its next claims current, and returns the whole new row. Null, and
   * nothing changes, if the row is not as expected, is revoked, or has expired at `next.rotatedAt`. Also null if its
   * last rotation had the key `unlessRetryKey`. The user agent is compared only where the family's policy depends on
   * it.
   */
  rotate(rotation: Rotation, entries: readonly ChangeEntry[]): Promise<TokenFamily | null>;

  /**
   * Rotates as {@link TokenFamilies.rotate} does, and replaces the authentication. Also returns null and changes
   * nothing if the proof no longer holds: see {@link IdentityProofUse}. The same if a cookie is given, and the family
   * is not the session of a page.
   */
  stepUp(stepUp: StepUp, entries: readonly ChangeEntry[]): Promise<TokenFamily | null>;

  /**
   * Changes an unrevoked family of a user, and returns it. Null, and nothing is recorded, if the user has no such
   * family, or the family has these values.
   */
  update(
    family: Pick<TokenFamily, 'tokenFamily' | 'userId'>,
    changes: FamilyChanges,
    entries: readonly ChangeEntry[],
  ): Promise<TokenFamily | null>;

  /**
   * Revokes a family; false, and nothing is recorded, if it does not exist or is already revoked. If a rotation
   * with a later time than `at` has committed, the family ends at the time of that rotation. So its last tokens are never younger than its end.
   */
  revoke(
    tokenFamily: string,
    revocation: { readonly at: number; readonly reason: RevocationReason },
    entries: readonly ChangeEntry[],
  ): Promise<boolean>;

  /**
   * Revokes all unrevoked families of a user except `except`, also expired ones that are still stored. Records
   * `sessions.revoked` for each live one ({@link isLive}), and returns the ids of the live ones. Each ends at `at` or
   * at its last rotation, whichever is later. Families beyond the limit end first, as in {@link TokenFamilies.open}.
   */
  revokeAll(
    userId: string,
    revocation: {
      readonly at: number;
      readonly reason: RevocationReason;
      readonly except: string | null;
      readonly origin: ChangeOrigin;
    },
  ): Promise<readonly string[]>;

  /**
   * The families of a user that can be refreshed at `page.now`, newest first: up to `limit` families behind `after`.
   * `userId` null: the families of all users.
   */
  list(userId: string | null, page: FamilyPage): Promise<readonly TokenFamily[]>;

  /**
   * The families that a filter finds, newest first: up to `limit` families behind `after`. A call reads a bounded
   * number of rows. So a page can hold fewer families than `limit`, or none, although `next` is not null.
   */
  search(filter: FamilyFilter, page: FamilyPage): Promise<FoundFamilies>;

  /**
   * The number of families that can be refreshed at `now`. Counts up to `limit` of them; more are estimated from the
   * statistics of the database.
   */
  countLive(now: number, limit: number): Promise<number>;

  /** Records entries about a family without a change of its row. */
  record(tokenFamily: string, entries: readonly ChangeEntry[]): Promise<void>;

  /**
   * Removes up to `limit` families that ended ({@link endOf}) before `endedBefore`, the oldest end first, with all
   * their dependent rows. Returns their number. A family that has not ended by the store's own clock stays. Only one
   * caller over all replicas purges at a time; every other call returns null at once. A call delays other changes at
   * most for its own duration. A family that is being changed may stay until the next call.
   */
  purge(endedBefore: number, limit: number): Promise<number | null>;

  /**
   * Removes up to `limit` known pairs of network and product that were last used before `before`. Returns their number.
   */
  forgetDevices(before: number, limit: number): Promise<number>;
}
