import { LONGEST_LIST, type Task } from '../../domain/task.ts';
import type { Cache } from '../../ports/cache.ts';
import type { TaskList, Tasks } from '../../ports/stores/tasks.ts';
import { noAccount } from './no-account.ts';

/**
 * One's own tasks, newest first; a {@link Refusal} `not_found` without an account.
 *
 * The list is kept in the cache together with its version, and the database is asked for the version alone. A kept
 * list counts only if it is of that version, so there is nothing to invalidate, and nothing that a slow reader puts
 * into the cache, or an outage leaves in it, is ever taken for the list as it is.
 */
export const listTasks =
  ({ tasks, cache }: { readonly tasks: Tasks; readonly cache: Cache }) =>
  async (owner: string): Promise<readonly Task[]> => {
    const version = await tasks.versionOf(owner);
    if (version === null) throw noAccount();
    const key = `tasks:${owner}`;
    const kept = read(await cache.get(key));
    if (kept?.version === version) return kept.tasks;

    const list = await tasks.list(owner, LONGEST_LIST);
    if (list === null) throw noAccount();
    void cache.set(key, JSON.stringify(list)); // nobody waits for it
    return list.tasks;
  };

function read(text: string | null): TaskList | null {
  try {
    return text === null ? null : (JSON.parse(text) as TaskList);
  } catch {
    return null;
  }
}
