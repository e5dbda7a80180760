import { accountNotFound } from '../../domain/refusal.ts';
import { MAX_LIST_LENGTH, type Task } from '../../domain/task.ts';
import type { Cache } from '../../ports/cache.ts';
import type { TaskList, Tasks } from '../../ports/stores/tasks.ts';

export type ListTasks = (owner: string) => Promise<readonly Task[]>;

/**
 * The owner's newest {@link MAX_LIST_LENGTH} tasks, newest first. Rejects with a {@link Refusal} `not_found` without an
 * account.
 *
 * The cache holds the list with its version, and each call reads the current version from the database. A cached list
 * is used only if its version is current. So the cache needs no invalidation. An outdated list that a slow reader or
 * an outage leaves in the cache is never used.
 */
export const listTasks =
  ({ tasks, cache }: { readonly tasks: Tasks; readonly cache: Cache }): ListTasks =>
  async (owner) => {
    const version = await tasks.versionOf(owner);
    if (version === null) throw accountNotFound();
    const key = `tasks:${owner}`;
    const cached = parseList(await cache.get(key));
    if (cached?.version === version) return cached.tasks;

    const list = await tasks.list(owner, MAX_LIST_LENGTH);
    if (list === null) throw accountNotFound();
    void cache.set(key, JSON.stringify(list)); // the answer does not wait for the cache
    return list.tasks;
  };

function parseList(text: string | null): TaskList | null {
  try {
    return text === null ? null : (JSON.parse(text) as TaskList);
  } catch {
    return null;
  }
}
