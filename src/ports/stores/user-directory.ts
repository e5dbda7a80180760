import type { ListedUser, UserFilter } from '../../domain/user-directory.ts';

/** A listed account and its position in the order of the list. */
export interface PositionedUser {
  readonly user: ListedUser;
  /** The position behind which the next page begins. */
  readonly position: string;
}

/** A page of a list: up to `limit` accounts behind the position `after`; null: the first page. */
export interface UserPage {
  /** Milliseconds since the epoch. The sessions that are live at this time are counted. */
  readonly now: number;
  readonly limit: number;
  readonly after: string | null;
}

/** The accounts of a page. */
export interface FoundUsers {
  readonly users: readonly PositionedUser[];
  /** The position behind which the next page begins; null: this is the last page. */
  readonly next: string | null;
}

/**
 * The accounts as operators see them. The cost of a page does not grow with the number of accounts. The form of `after`
 * depends on the filter: see `isPosition`.
 *
 * All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface UserDirectory {
  /**
   * An account is listed once, even if its name and its address match. Reserved addresses do not match. A call reads a
   * bounded number of rows. So if many disabled users have no account, a page of disabled accounts can hold fewer
   * accounts than `limit`, or none, although `next` is not null.
   */
  list(filter: UserFilter, page: UserPage): Promise<FoundUsers>;

  /** Null if there is no such account. */
  find(id: string, now: number): Promise<ListedUser | null>;
}
