import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import { giveUp } from './given-up.ts';
import { isStaleStatement } from './reconnecting-pool.ts';

/** The statement never reached a server that could run it, or the server says that it was rolled back. */
const NOTHING_HAPPENED =
  /^(?:ECONNREFUSED|ENOENT|ENOTFOUND|EAI_AGAIN|CONNECT_TIMEOUT|NO_SUITABLE_SERVER|DATABASE_UNFIT|25006|28...|3D000|40001|40P01|53...|55P03|57014|57P03|57P05)$/;

/** The connection, or the system under it, went away with the statement: it may have committed. */
const OUTCOME_UNKNOWN =
  /^(?:CONNECTION_\w+|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|ERR_(?:SOCKET|STREAM)_\w+|08...|40003|57P01|57P02|58...|\w*CERT\w*)$/;

/** Milliseconds after which the server stops a statement: see `statement_timeout` in connect. */
export const STATEMENT_TIMEOUT = 4_000;

/** And after which it is not waited for any longer. */
const DEADLINE = STATEMENT_TIMEOUT + 1_000;

/** A statement of the driver: `state` tells of the connection that it was given to, null while it queues. */
type Statement<T> = PromiseLike<T> & { readonly state?: unknown; cancel?(): unknown };

/**
 * The answer to a statement. One that still waits for a connection at its deadline is taken back, so that it does
 * not take effect after its client was told that it cannot be done. A transaction is rolled back unless its commit
 * was sent. A statement that was sent ends as pending, or with its connection behind a pooler in transaction mode.
 * Rejects as {@link mapDriverError}.
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
 * What is answered, or a {@link StoreUnavailable} for whatever speaks of the connection or the server rather than
 * of a statement. Every other error is a fault of ours and is passed on.
 */
export async function mapDriverError<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (isStaleStatement(error)) throw new StoreUnavailable('nothing', error);
    const code = codeOf(error);
    if (NOTHING_HAPPENED.test(code)) throw new StoreUnavailable('nothing', error);
    if (OUTCOME_UNKNOWN.test(code)) throw new StoreUnavailable('unknown', error);
    throw error;
  }
}

function startDeadline(statement: Statement<unknown>) {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      // Of one that was sent the driver would ask the server to stop it, over a connection whose loss nobody can
      // catch; and the server stops it by itself.
      const fate = statement.state === null ? void statement.cancel?.() : giveUp(statement);
      if (fate) reject(new StoreUnavailable(fate, new Error(`no answer within ${DEADLINE} ms`)));
    }, DEADLINE);
  });
  return { passed, end: () => clearTimeout(timer) };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
