import type { Task } from '../../../src/domain/task.ts';
import type { User } from '../../../src/domain/user.ts';
import type { TaskList, Tasks } from '../../../src/ports/stores/tasks.ts';

/** Task lists by owner, newest task first. An owner without an entry has an empty list. */
export type StoredLists = Map<string, TaskList>;

/** Tasks in memory. `users` holds the accounts that own them. */
export function createMemoryTasks(users: ReadonlyMap<string, User>, lists: StoredLists): Tasks {
  let lastId = 0;

  function listOf(owner: string): TaskList | null {
    const author = users.get(owner)?.username;
    if (author === undefined) return null;
    const { version, tasks } = lists.get(owner) ?? { version: 'none', tasks: [] };
    return { version: `${version} ${author}`, tasks: tasks.map((task) => ({ ...task, author })) };
  }

  const taskOf = (owner: string, id: number) => listOf(owner)?.tasks.find((task) => task.id === id) ?? null;

  function store(owner: string, tasks: readonly Task[]): void {
    lists.set(owner, { version: crypto.randomUUID(), tasks });
  }

  return {
    async create(owner, text, publishedAt) {
      const author = users.get(owner)?.username;
      if (author === undefined) return null;
      lastId += 1;
      const task = { id: lastId, author, text, publishedAt };
      store(owner, [task, ...(listOf(owner)?.tasks ?? [])]);
      return { ...task };
    },

    async find(owner, id) {
      return structuredClone(taskOf(owner, id));
    },

    async change(owner, id, text) {
      const task = taskOf(owner, id);
      if (task === null) return null;
      const changed = { ...task, text };
      store(owner, listOf(owner)?.tasks.map((one) => (one.id === id ? changed : one)) ?? []);
      return { ...changed };
    },

    async remove(owner, id) {
      if (taskOf(owner, id) === null) return false;
      store(owner, listOf(owner)?.tasks.filter((task) => task.id !== id) ?? []);
      return true;
    },

    async versionOf(owner) {
      return listOf(owner)?.version ?? null;
    },

    async list(owner, limit) {
      const list = listOf(owner);
      return list && structuredClone({ ...list, tasks: list.tasks.slice(0, limit) });
    },
  };
}
