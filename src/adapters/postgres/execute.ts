import type { PostgresError } from 'postgres';
import { errorCode } from '../../lib/errors.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import { abandon } from './abandon.ts';
import { isConnectionLost } from './connection/connection-lost.ts';
import { isStaleStatement } from './reconnecting-pool.ts';

/**
 * Error codes of a statement without effect: it never reached a server, for example because this process can open no
 * more sockets, or the server rolled it back.
 */
const NO_EFFECT =
  /^(?:EMFILE|ENFILE|ENOBUFS|EADDRNOTAVAIL|ENETDOWN|EACCES|EPERM|ECONNREFUSED|ENOENT|ENOTFOUND|EAI_AGAIN|CONNECT_TIMEOUT|NO_SUITABLE_SERVER|DATABASE_UNFIT|25006|28...|3D000|40001|40P01|53...|55P03|57014|57P03|57P05)$/;

/**
 * Error codes other than those of a lost connection, after which the statement may have committed: a TLS failure, or a
 * server that failed meanwhile.
 */
const OUTCOME_UNKNOWN = /^(?:08...|40003|57P01|57P02|58...|\w*CERT\w*)$/;

/** Milliseconds after which the server cancels a statement (`statement_timeout`). */
export const STATEMENT_TIMEOUT = 4_000;

/** Milliseconds after which the service stops waiting for the answer. */
const DEADLINE = STATEMENT_TIMEOUT + 1_000;

/** A statement of the driver. `state` is the connection that runs it, and null while it is queued. */
type Statement<T> = PromiseLike<T> & { readonly state?: unknown; cancel?(): unknown };

/**
 * Waits for a statement or a transaction until its deadline. Rejects as {@link mapDriverError} does. At the deadline:
 *
 * - A statement that waits for a connection is canceled. Otherwise it could take effect after the client got an error.
 * - A transaction is rolled back unless its commit was sent.
 * - A statement that was sent has the outcome `pending`: it may still take effect. Behind a pooler in transaction mode
 *   the pool is replaced and its connections are closed.
 */
export async function execute<T>(statement: Statement<T>): Promise<T> {
  const deadline = startDeadline(statement);
  try {
    return await mapDriverError(Promise.race([statement, deadline.passed]));
  } finally {
    deadline.end();
  }
}

/**
 * Waits for an answer of the driver. Rejects with {@link StoreUnavailable} for the codes above and for stale
 * statements. Any other error, such as a violated constraint, is passed on.
 */
export async function mapDriverError<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (isStaleStatement(error)) throw new StoreUnavailable('nothing', error);
    const code = errorCode(error);
    if (NO_EFFECT.test(code)) throw new StoreUnavailable('nothing', error);
    if (isConnectionLost(error) || OUTCOME_UNKNOWN.test(code)) throw new StoreUnavailable('unknown', error);
    throw error;
  }
}

/**
 * Whether a statement of {@link execute} was not answered in time. The statement may even be unsent: then every
 * connection of the pool waits for an answer.
 */
export function isUnanswered(error: unknown): boolean {
  if (!(error instanceof StoreUnavailable)) return false;
  return error.outcome === 'pending' || errorCode(error.cause) === CANCELED;
}

/** The error code of a canceled statement. The driver uses it also for a statement that was not sent. */
const CANCELED = '57014';

/** Whether a statement failed because it violates the constraint with this name. A migration defines the name. */
export function violates(error: unknown, constraint: string): boolean {
  return (error as Partial<PostgresError>).constraint_name === constraint;
}

function startDeadline(statement: Statement<unknown>) {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      // A sent statement is not canceled here. The driver would open another connection to cancel it, and errors of
      // that connection cannot be caught. The server cancels the statement at its own timeout.
      const outcome = statement.state === null ? cancelUnsent(statement) : abandon(statement);
      if (outcome)
        reject(
          new StoreUnavailable(outcome, new Error(`The database did not answer within ${DEADLINE} ms.`)),
        );
    }, DEADLINE);
  });
  return { passed, end: () => clearTimeout(timer) };
}

/**
 * Cancels a statement that was not sent. The driver may be opening a connection for the statement. It would then skip
 * the statement, and wait forever for an answer on that connection. So the connection gets another statement.
 */
function cancelUnsent(statement: Statement<unknown>): void {
  void statement.cancel?.();
  Object.assign(statement, { cancelled: null, strings: ANY_STATEMENT, args: [] });
}

const ANY_STATEMENT = Object.assign(['select 1'], { raw: ['select 1'] });
