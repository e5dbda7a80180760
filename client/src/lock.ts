/** Runs the task alone: of those with the same lock, no other one runs meanwhile. */
export type Lock = <T>(task: () => Promise<T>) => Promise<T>;

const queues = new Map<string | symbol, Promise<unknown>>();

/**
 * A lock of that name: across the tabs and workers of an origin where there are Web Locks, else within this page or
 * process. Without a name, a lock that nobody else has.
 */
export function lockOf(name: string | null): Lock {
  const locks = globalThis.navigator?.locks;
  if (name !== null && locks) return (task) => locks.request(name, task);
  const queue = name ?? Symbol();
  return async (task) => {
    const turn = after(queues.get(queue), task);
    queues.set(queue, turn);
    try {
      return await turn;
    } finally {
      if (queues.get(queue) === turn) queues.delete(queue);
    }
  };
}

async function after<T>(before: Promise<unknown> | undefined, task: () => Promise<T>): Promise<T> {
  await before?.catch(() => {});
  return task();
}
