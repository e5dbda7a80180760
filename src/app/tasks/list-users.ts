import { LONGEST_LIST } from '../../domain/task.ts';
import type { Cache } from '../../ports/cache.ts';
import type { Tasks } from '../../ports/stores/tasks.ts';
import type { NamedUser, Users } from '../../ports/stores/users.ts';
import { listTasks } from './list-tasks.ts';

export interface UserTaskDeps {
  readonly users: Users;
  readonly tasks: Tasks;
  readonly cache: Cache;
}

/** A user, with the texts of their tasks if it is the user who asks: those of others are nobody's business. */
export interface UserWithTasks extends NamedUser {
  readonly tasks: readonly string[];
}

/** All accounts, newest first. */
export const listUsers = (deps: UserTaskDeps) => {
  const list = listTasks(deps);

  return async (asker: string): Promise<readonly UserWithTasks[]> => {
    const users = await deps.users.list(LONGEST_LIST);
    const own = users.some(({ id }) => id === asker) ? await list(asker) : [];
    const texts = own.map(({ text }) => text);
    return users.map((user) => ({ ...user, tasks: user.id === asker ? texts : [] }));
  };
};
