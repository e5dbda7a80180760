/** Runs the task while no other task with the same lock runs, unless the holder of the lock is suspended. */
export type Lock = <T>(task: () => Promise<T>) => Promise<T>;

/** Milliseconds. A holder that is suspended for longer, such as a tab in the background, does not block the others. */
const MAX_WAIT = 15_000;

const queues = new Map<string | symbol, Promise<unknown>>();

/**
 * Creates a lock with this name. With Web Locks it holds across the tabs and workers of an origin, otherwise within
 * this page or process. Without a name, the lock is shared with no other caller. The task runs without the lock after
 * `MAX_WAIT`, or if the browser refuses the lock. So tasks must be correct when they run concurrently.
 */
export function createLock(name: string | null): Lock {
  const locks = globalThis.navigator?.locks;
  const key = name ?? Symbol();
  return async (task) => {
    let run: ReturnType<typeof task> | undefined;
    const start = () => {
      run ??= task();
      return run;
    };
    const signal = AbortSignal.timeout(MAX_WAIT);
    const turn = name !== null && locks ? locks.request(name, { signal }, start) : queue(key, signal, start);
    await turn.catch(() => {}); // `start` below returns the task's error, or runs the task without the lock
    return start();
  };
}

async function queue<T>(key: string | symbol, signal: AbortSignal, start: () => Promise<T>): Promise<T> {
  const timedOut = new Promise((resolve) => signal.addEventListener('abort', resolve));
  const turn = Promise.race([queues.get(key), timedOut]).then(start, start);
  queues.set(key, turn);
  try {
    return await turn;
  } finally {
    if (queues.get(key) === turn) queues.delete(key);
  }
}
