import postgres from 'postgres';
import { createAbandonableWork, onAbandon } from './abandon.ts';
import { isConnectionLost } from './connection/connection-lost.ts';

type Sql = postgres.Sql;

interface PoolEvents {
  /** For the driver's option of this name. The server reports parameters when a connection is ready. */
  onparameter(): void;
  /** For the driver's option of this name: a connection was lost, or could not be opened. */
  onclose(): void;
  /** A connection was lost after its server was ready. */
  onLost(): void;
}

/**
 * postgres.js repeats a prepared statement that the server refuses as stale. The repeat serializes the
 * parameters a second time and mixes with other statements on the connection. Two statements then get each
 * other's answers.
 *
 * The driver recognizes the error by its property `routine`, the name of the server's routine. The property below hides
 * that name. So the driver rejects the statement and does not repeat it. Then the pool is replaced. See
 * docs/decisions/0010-answers-are-matched.md.
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
 * Whether the server refused a prepared statement before it ran. The type of its result (0A000) or of a column that it
 * writes (42804) has changed, or the server session does not know it, as behind a pooler (26000).
 */
export function isStaleStatement(error: unknown): boolean {
  return typeof error === 'object' && error !== null && staleErrors.has(error);
}

/** Milliseconds for which a pool is not replaced again for a cause that may repeat, such as a read-only server. */
const MIN_POOL_AGE = 1_000;

/**
 * Seconds in which a replaced pool finishes its statements. If one connection was lost, the others may be sound, so
 * their statements get their whole deadline. Until then there can be more connections than the pool may have.
 */
const END_OPTIONS = { afterLoss: { timeout: 5 }, otherwise: { timeout: 1 } };

/** The functions that replace the connections of pools, by pool. */
const reconnectByPool = new WeakMap<Sql, () => void>();

/**
 * Replaces all connections of the pool. Statements that wait for an answer are rejected, because their connections are
 * lost. Callers use this when the database host is gone: the connections look open, and the operating system detects
 * the loss only after a quarter of an hour.
 */
export function reconnect(pool: Sql): void {
  reconnectByPool.get(pool)?.();
}

/** For each result of a statement: the function that replaces its pool. */
const reconnectByRows = new WeakMap<object, () => void>();

/** Replaces the pool that returned these rows. Called when an answer does not match its statement. */
export function replacePoolOf(rows: object): void {
  reconnectByRows.get(rows)?.();
}

interface PoolOptions {
  /**
   * Whether the server is behind a pooler in transaction mode. Then the pool does two things:
   *
   * - An abandoned statement replaces the pool, and so closes its connection. The pooler queues statements for an
   *   unknown time. When the connection closes, it removes the statement from its queue.
   * - A connection sends no statement before the answer to the previous one. After an answer, PgBouncer 1.18 gives the
   *   server to another client, and this client then receives the answers to statements that were sent meanwhile.
   */
  readonly isTransactionPooled: boolean;
}

/**
 * Creates a pool that is replaced by a new one when it loses a connection. The driver reconnects by itself, but it
 * keeps the unsent bytes of the lost connection (porsager/postgres, pull request 1209). It then never completes the
 * handshake, and statements on that connection hang.
 */
export function createReconnectingPool(
  open: (events: PoolEvents) => Sql,
  { isTransactionPooled }: PoolOptions,
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
      onLost: () => replaceIfCurrent(pool, END_OPTIONS.afterLoss),
    });
    return pool;
  }

  function replaceUnlessNew(pool: Sql): void {
    if (pool === current && performance.now() - inUseSince >= MIN_POOL_AGE) replace();
  }

  function replace(endOptions = END_OPTIONS.otherwise): void {
    if (ended) return;
    const last = current;
    current = start();
    void last.end(endOptions);
  }

  /** A stale statement would be refused on each connection in turn, so its error replaces even a new pool. */
  function replaceAfter(error: unknown, pool: Sql): void {
    if (isStaleStatement(error)) replaceIfCurrent(pool);
    else if (isReadOnlyServer(error)) replaceUnlessNew(pool);
  }

  function replaceIfCurrent(pool: Sql, endOptions = END_OPTIONS.otherwise): void {
    if (pool === current) replace(endOptions);
  }

  function apply(_first: Sql, self: unknown, args: unknown[]): unknown {
    return observe(Reflect.apply(current, self, args), current);
  }

  function unsafe(...args: Parameters<Sql['unsafe']>): unknown {
    return observe(current.unsafe(...args), current);
  }

  /** Returns the same result. If it is a statement, its failure may replace the pool. */
  function observe(result: unknown, pool: Sql): unknown {
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
      if (isTransactionPooled) {
        result.options.onexecute = BLOCK_CONNECTION;
        onAbandon(result, () => closeConnections(pool));
      }
    }
    return result;
  }

  function closeConnections(pool: Sql): null {
    replaceIfCurrent(pool);
    return null;
  }

  function begin<T>(work: (tx: postgres.TransactionSql) => Promise<T>): Promise<unknown> {
    const abandonable = createAbandonableWork(work);
    const transaction = beginOn(current, abandonable.run);
    onAbandon(transaction, abandonable.abandon);
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
      const own: unknown = name === 'begin' ? begin : name === 'unsafe' ? unsafe : undefined;
      return own ?? Reflect.get(current, name);
    },
  });
  reconnectByPool.set(pool, () => replace());
  return pool;
}

/** The driver calls this when it has sent a statement. If it returns false, the connection takes no other statement. */
const BLOCK_CONNECTION = () => false;

/** A statement of the driver. The driver settles it by calling these methods. */
interface Query {
  readonly options: { onexecute?: () => boolean };
  resolve(rows: unknown): void;
  reject(error: unknown): void;
}

/** Whether the server is read-only (25006). It was the primary, and another host may be the primary now. */
function isReadOnlyServer(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.code === '25006';
}

function isQuery(value: unknown): value is Query {
  return value instanceof Promise && 'reject' in value;
}

/**
 * Never settles if the connection of the transaction is lost: the driver rejects the transaction itself. If the work
 * rejected too, the driver would send a rollback on the lost connection. That throws an error that cannot be caught
 * (porsager/postgres#1133). After any other error, not settling would hang the transaction. So the work must wait only
 * for its own statements: the loss of another connection would hang it, too.
 */
async function hangIfLost<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isConnectionLost(error)) await new Promise(() => {});
    throw error;
  }
}
