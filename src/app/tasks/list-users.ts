import { MAX_LIST_LENGTH } from '../../domain/task.ts';
import { identityOf } from '../../domain/user.ts';
import type { Cache } from '../../ports/cache.ts';
import type { Tasks } from '../../ports/stores/tasks.ts';
import type { NamedUser, Users } from '../../ports/stores/users.ts';
import { listTasks } from './list-tasks.ts';

export interface UserTaskDeps {
  readonly users: Users;
  readonly tasks: Tasks;
  readonly cache: Cache;
}

/** A user. `tasks` has the texts of the user's own tasks, and is empty in the answer to another user. */
export interface UserWithTasks {
  readonly id: string;
  /** Absent in the answer to another user if `identityOf` withholds it. */
  readonly username?: string;
  readonly tasks: readonly string[];
}

export type ListUsers = (callerId: string) => Promise<readonly UserWithTasks[]>;

/** The newest accounts, at most {@link MAX_LIST_LENGTH}; the newest come first. */
export const listUsers = (deps: UserTaskDeps): ListUsers => {
  const list = listTasks(deps);

  return async (callerId) => {
    const users = await deps.users.list(MAX_LIST_LENGTH);
    const own = users.some(({ id }) => id === callerId) ? await list(callerId) : [];
    const texts = own.map(({ text }) => text);
    return users.map((user) => toVisibleUser(callerId, user, texts));
  };
};

/** The user as the caller may see them. `texts` are the texts of the caller's own tasks. */
export function toVisibleUser(callerId: string, user: NamedUser, texts: readonly string[]): UserWithTasks {
  const { id, username } = user;
  if (id === callerId) return { id, username, tasks: texts };
  const identity = identityOf(user);
  return { id, ...(identity !== null && { username: identity }), tasks: [] };
}
