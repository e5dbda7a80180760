import { type Claims, NO_CLAIMS } from './claims.ts';

/** What operators have decided about a user id. A user id without an account has a state, too. */
export interface UserState {
  readonly userId: string;
  /** When the user was disabled, in milliseconds; null: the user may log in. */
  readonly disabledAt: number | null;
  /** The claims of the user's access tokens. */
  readonly claims: Claims;
}

/** The state of a user id about which nothing was decided. */
export function initialUserState(userId: string): UserState {
  return { userId, disabledAt: null, claims: NO_CLAIMS };
}
