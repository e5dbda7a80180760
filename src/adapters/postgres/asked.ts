import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';

/** The statement never reached a server that could run it, or the server says that it was rolled back. */
const NOTHING_HAPPENED = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  'CONNECT_TIMEOUT',
  '25006', // read_only_sql_transaction: a standby
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '53000', // insufficient_resources
  '53100', // disk_full
  '53200', // out_of_memory
  '53300', // too_many_connections
  '55P03', // lock_not_available
  '57014', // query_canceled
  '57P03', // cannot_connect_now
]);

/** The connection went away under the statement: it may have committed. */
const OUTCOME_UNKNOWN = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'ECONNRESET',
  'EPIPE',
  '08000', // connection_exception
  '08003', // connection_does_not_exist
  '08006', // connection_failure
  '08007', // transaction_resolution_unknown
  '40003', // statement_completion_unknown
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
]);

/**
 * The answer to a statement, or a {@link StoreUnavailable} for whatever speaks of the connection or the server
 * rather than of the statement. Every other error is a fault of ours and is passed on.
 */
export async function asked<T>(statement: PromiseLike<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    const code = codeOf(error);
    if (NOTHING_HAPPENED.has(code)) throw new StoreUnavailable('nothing', error);
    if (OUTCOME_UNKNOWN.has(code)) throw new StoreUnavailable('unknown', error);
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
