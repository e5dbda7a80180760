import { MAX_LIST_LENGTH } from '../../domain/task.ts';
import { identityOf } from '../../domain/user.ts';
import type { NamedUser, Users } from '../../ports/stores/users.ts';
import type { ListTasks } from './list-tasks.ts';

export interface UserTaskDeps {
  readonly users: Users;
  readonly listTasks: ListTasks;
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
export const listUsers =
  ({ users, listTasks }: UserTaskDeps): ListUsers =>
  async (callerId) => {
    const found = await users.list(MAX_LIST_LENGTH);
    const own = found.some(({ id }) => id === callerId) ? await listTasks(callerId) : [];
    const texts = own.map(({ text }) => text);
    return found.map((user) => toVisibleUser(callerId, user, texts));
  };

/** The user as the caller may see them. `texts` are the texts of the caller's own tasks. */
export function toVisibleUser(callerId: string, user: NamedUser, texts: readonly string[]): UserWithTasks {
  const { id, username } = user;
  if (id === callerId) return { id, username, tasks: texts };
  const identity = identityOf(user);
  return { id, ...(identity !== null && { username: identity }), tasks: [] };
}
