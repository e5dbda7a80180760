/** Runs the task alone: of those with the same lock, no other one runs meanwhile, unless its holder stands still. */
export type Lock = <T>(task: () => Promise<T>) => Promise<T>;

/** Milliseconds. A holder that stands still for longer, such as a suspended tab, does not stop the others. */
const LONGEST_WAIT = 15_000;

const queues = new Map<string | symbol, Promise<unknown>>();

/**
 * A lock of that name: across the tabs and workers of an origin where there are Web Locks, else within this page or
 * process. Without a name, a lock that nobody else has. After a bounded wait, or where the browser refuses the lock,
 * the task runs without it; so tasks must stay correct beside each other.
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
    const signal = AbortSignal.timeout(LONGEST_WAIT);
    const turn = name !== null && locks ? locks.request(name, { signal }, start) : queue(key, signal, start);
    await turn.catch(() => {}); // `start` below has the error of the task, or runs it without the lock
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
