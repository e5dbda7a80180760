import postgres from 'postgres';
import { createRevocableWork, onGiveUp } from './given-up.ts';

type Sql = postgres.Sql;

/** To be passed to the driver. */
interface PoolEvents {
  onparameter(): void;
  onclose(): void;
}

/**
 * postgres.js runs a prepared statement again by itself when the server refuses it as stale. It then serializes the
 * parameters a second time and pipelines other statements into the middle of it, so that two statements get each
 * other's answers. It recognises the error by the name of the server's routine: without the name it rejects the
 * statement instead, and the pool is replaced. See docs/decisions/0010-answers-are-matched.md.
 */
const STALE_ROUTINES = new Set(['FetchPreparedStatement', 'RevalidateCachedQuery', 'transformAssignedExpr']);
const staleErrors = new WeakSet<object>();

Object.defineProperty(postgres.PostgresError.prototype, 'routine', {
  get: () => undefined,
  set(this: object, routine: string) {
    if (STALE_ROUTINES.has(routine)) staleErrors.add(this);
  },
});

/**
 * Whether the server refused a prepared statement before it ran: the result type changed (0A000, 42804), or the
 * statement is gone, as behind a pooler (26000).
 */
export function isStaleStatement(error: unknown): boolean {
  return typeof error === 'object' && error !== null && staleErrors.has(error);
}

/** Milliseconds that a pool lives at least: a server that is full turns connections away all the time. */
const MIN_POOL_AGE = 1_000;

/** Seconds in which a pool that is given up finishes what it was asked. */
const END_OPTIONS = { timeout: 1 };

/** How to give up the connections of a pool, by the pool. */
const reconnectByPool = new WeakMap<Sql, () => void>();

/**
 * Gives up all connections of the pool: what waits on them is rejected as lost. For whoever knows that they are dead
 * although none was closed, as when the machine at their other end is gone: the system finds that out by itself only
 * after a quarter of an hour.
 */
export function reconnect(pool: Sql): void {
  reconnectByPool.get(pool)?.();
}

/** How to give up the pool that answered, by the answer. */
const reconnectByRows = new WeakMap<object, () => void>();

/** Gives up the pool that returned these rows, whose connections no longer match answers to statements. */
export function reconnectPoolOf(rows: object): void {
  reconnectByRows.get(rows)?.();
}

interface PoolOptions {
  /**
   * A pooler in transaction mode lets statements wait for a server without a limit that is known here. Closing the
   * connection removes the statement from that queue.
   */
  readonly closesGivenUp: boolean;
}

/**
 * A pool that is replaced by a new one when it has lost a connection. The driver connects again by itself, but
 * bytes that were waiting to be sent when the connection went stay with it (porsager/postgres, pull request 1209):
 * it then never greets the server, and whoever is given that connection waits for nothing.
 */
export function createReconnectingPool(
  open: (events: PoolEvents) => Sql,
  { closesGivenUp }: PoolOptions,
): Sql {
  let ended = false;
  let inUseSince = Number.POSITIVE_INFINITY;
  let current = start();

  function start(): Sql {
    inUseSince = Number.POSITIVE_INFINITY;
    const pool = open({
      onparameter() {
        if (pool === current) inUseSince = Math.min(inUseSince, performance.now());
      },
      onclose: () => replaceUnlessNew(pool),
    });
    return pool;
  }

  function replaceUnlessNew(pool: Sql): void {
    if (pool === current && performance.now() - inUseSince >= MIN_POOL_AGE) replace();
  }

  function replace(): void {
    if (ended) return;
    const last = current;
    current = start();
    void last.end(END_OPTIONS);
  }

  /** A statement of ours was refused, and others would be: a stale one on each connection, however new, in turn. */
  function replaceAfter(error: unknown, pool: Sql): void {
    if (isStaleStatement(error)) replaceIfCurrent(pool);
    else if (isReadOnlyServer(error)) replaceUnlessNew(pool);
  }

  function replaceIfCurrent(pool: Sql): void {
    if (pool === current) replace();
  }

  function apply(_first: Sql, self: unknown, args: unknown[]): unknown {
    const pool = current;
    const result: unknown = Reflect.apply(pool, self, args);
    if (isQuery(result)) {
      const { reject, resolve } = result;
      result.reject = (error) => {
        replaceAfter(error, pool);
        reject(error);
      };
      result.resolve = (rows) => {
        if (typeof rows === 'object' && rows !== null)
          reconnectByRows.set(rows, () => replaceIfCurrent(pool));
        resolve(rows);
      };
      if (closesGivenUp) onGiveUp(result, () => closeConnections(pool));
    }
    return result;
  }

  function closeConnections(pool: Sql): null {
    replaceIfCurrent(pool);
    return null;
  }

  function begin<T>(work: (tx: postgres.TransactionSql) => Promise<T>): Promise<unknown> {
    const revocable = createRevocableWork(work);
    const transaction = beginOn(current, revocable.run);
    onGiveUp(transaction, revocable.giveUp);
    return transaction;
  }

  async function beginOn<T>(pool: Sql, work: (tx: postgres.TransactionSql) => Promise<T>): Promise<unknown> {
    try {
      return await pool.begin((tx) => hangIfLost(work(tx)));
    } catch (error) {
      replaceAfter(error, pool);
      throw error;
    }
  }

  const pool = new Proxy(current, {
    apply,
    get(_first, name) {
      if (name === 'end') ended = true;
      return name === 'begin' ? begin : Reflect.get(current, name);
    },
  });
  reconnectByPool.set(pool, replace);
  return pool;
}

/** A statement of the driver, which settles itself by these methods. */
interface Query {
  resolve(rows: unknown): void;
  reject(error: unknown): void;
}

/** The server was the primary once (25006), and another host may be it now. */
function isReadOnlyServer(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.code === '25006';
}

function isQuery(value: unknown): value is Query {
  return value instanceof Promise && 'reject' in value;
}

/** How the driver and the system name the loss of a connection that stood: nothing else, or it is waited for in vain. */
const LOST =
  /^(?:CONNECTION_(?:CLOSED|DESTROYED|ENDED)|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|ERR_(?:SOCKET|STREAM)_\w+)$/;

/**
 * A transaction whose connection is lost is rejected by the driver. If what was done within it failed besides, the
 * driver would send a rollback down that connection, and throw where nobody can catch it (porsager/postgres#1133).
 */
async function hangIfLost<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && 'code' in error && LOST.test(String(error.code)))
      await new Promise(() => {});
    throw error;
  }
}
