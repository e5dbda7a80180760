import type postgres from 'postgres';

type Sql = postgres.Sql;

/** To be passed to the driver. */
interface PoolEvents {
  onparameter(): void;
  onclose(): void;
}

/** Milliseconds that a pool lives at least: a server that is full turns connections away all the time. */
const LEAST_LIFE = 1_000;

/** Seconds in which a pool that is given up finishes what it was asked. */
const LAST_WORDS = { timeout: 1 };

/** How to give up the connections of a pool, by the pool. */
const renewals = new WeakMap<Sql, () => void>();

/**
 * Gives up all connections of the pool: what waits on them is rejected as lost. For whoever knows that they are dead
 * although none was closed, as when the machine at their other end is gone: the system finds that out by itself only
 * after a quarter of an hour.
 */
export function renew(pool: Sql): void {
  renewals.get(pool)?.();
}

/**
 * A pool that is replaced by a new one when it has lost a connection. The driver connects again by itself, but
 * bytes that were waiting to be sent when the connection went stay with it (porsager/postgres, pull request 1209):
 * it then never greets the server, and whoever is given that connection waits for nothing.
 */
export function renewing(open: (events: PoolEvents) => Sql): Sql {
  let ended = false;
  let current = start();

  function start(): Sql {
    let inUseSince = Number.POSITIVE_INFINITY;
    const pool = open({
      onparameter() {
        inUseSince = Math.min(inUseSince, performance.now());
      },
      onclose() {
        if (pool === current && performance.now() - inUseSince >= LEAST_LIFE) replace();
      },
    });
    return pool;
  }

  function replace(): void {
    if (ended) return;
    const last = current;
    current = start();
    void last.end(LAST_WORDS);
  }

  function begin<T>(work: (tx: postgres.TransactionSql) => Promise<T>): Promise<unknown> {
    return current.begin((tx) => silentIfLost(work(tx)));
  }

  const pool = new Proxy(current, {
    apply: (_first, self, args) => Reflect.apply(current, self, args),
    get(_first, name) {
      if (name === 'end') ended = true;
      return name === 'begin' ? begin : Reflect.get(current, name);
    },
  });
  renewals.set(pool, replace);
  return pool;
}

/** How the driver and the system name the loss of a connection that stood: nothing else, or it is waited for in vain. */
const LOST =
  /^(?:CONNECTION_(?:CLOSED|DESTROYED|ENDED)|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|ERR_(?:SOCKET|STREAM)_\w+)$/;

/**
 * A transaction whose connection is lost is rejected by the driver. If what was done within it failed besides, the
 * driver would send a rollback down that connection, and throw where nobody can catch it (porsager/postgres#1133).
 */
async function silentIfLost<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && 'code' in error && LOST.test(String(error.code)))
      await new Promise(() => {});
    throw error;
  }
}
