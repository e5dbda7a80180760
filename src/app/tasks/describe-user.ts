import { Refusal } from '../../domain/refusal.ts';
import { toVisibleUser, type UserTaskDeps, type UserWithTasks } from './list-users.ts';

export type DescribeUser = (callerId: string, id: string) => Promise<UserWithTasks>;

/** Describes one account to the user `callerId`. Rejects with a {@link Refusal} `not_found` if it does not exist. */
export const describeUser =
  ({ users, listTasks }: UserTaskDeps): DescribeUser =>
  async (callerId, id) => {
    const user = await users.find(id);
    if (user === null) throw new Refusal('not_found');
    const own = id === callerId ? await listTasks(callerId) : [];
    const texts = own.map(({ text }) => text);
    return toVisibleUser(callerId, user, texts);
  };
