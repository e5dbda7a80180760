import type { UserState } from '../../domain/user-state.ts';
import type { UserStates } from '../../ports/stores/user-states.ts';

/** The state of any user id, also of one without an account. */
export type FindUserState = (userId: string) => Promise<UserState>;

export const findUserState =
  ({ userStates }: { readonly userStates: UserStates }): FindUserState =>
  (userId) =>
    userStates.find(userId);
