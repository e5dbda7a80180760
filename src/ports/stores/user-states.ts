import type { Claims } from '../../domain/claims.ts';
import type { UserState } from '../../domain/user-state.ts';
import type { ChangeEntry } from './change-entry.ts';
import type { EndedSessions } from './token-families.ts';

/**
 * One state for each user id, which survives the account. Every method is atomic: the change and the given entries
 * commit together or not at all. Changes of a state and logins of that user happen one after another. So a disabled
 * user never keeps a session. A login concurrent with a change of claims gets the claims from before or after it.
 *
 * All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface UserStates {
  /** The state of any user id, see {@link initialUserState}. */
  find(userId: string): Promise<UserState>;

  /**
   * Disables a user: all sessions end (`disabled`), and the user gets a new security version. Null, and nothing is
   * recorded, if the user is disabled already. Sessions beyond the limit end first, as in {@link TokenFamilies.open}.
   */
  disable(userId: string, at: number, entries: readonly ChangeEntry[]): Promise<EndedSessions | null>;

  /** Lets a user log in again. False, and nothing is recorded, if the user is not disabled. */
  enable(userId: string, entries: readonly ChangeEntry[]): Promise<boolean>;

  /**
   * Replaces the claims of a user. Each live session gets them, merged with its own, with its next pair. False, and
   * nothing is recorded, if the user has these claims.
   */
  setClaims(userId: string, claims: Claims, entries: readonly ChangeEntry[]): Promise<boolean>;
}
