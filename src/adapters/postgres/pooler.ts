import { randomUUID } from 'node:crypto';
import { errorCode } from '../../lib/errors.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import { connect, type Sql, type UrlAddress } from './connect.ts';
import { DatabaseUnusable, unwrapUnusable } from './connection/session.ts';
import { execute } from './execute.ts';

/**
 * Throws {@link DatabaseUnusable} if the address is a pooler in statement mode, or a pooler in transaction mode and the
 * configuration does not say so.
 */
export async function refuseWrongPooler(sql: Sql, address: UrlAddress): Promise<void> {
  if (!(await isPooled(sql).catch(unwrapUnusable))) return;
  await refuseStatementPooler(address);
  if (address.pooler !== 'transaction') await refuseTransactionPooler(address);
}

/** A pooler in statement mode closes the connection at the begin of a transaction. */
async function refuseStatementPooler(address: UrlAddress): Promise<void> {
  const sql = connect({ ...address, pool: 1 });
  try {
    await execute(sql.begin((tx) => tx`select 1`));
  } catch (error) {
    if (!(error instanceof StoreUnavailable) || errorCode(error.cause) !== 'CONNECTION_CLOSED') throw error;
    throw new DatabaseUnusable(
      'The pooler of DATABASE_URL closes the connection when a transaction begins. If it is in statement mode, use transaction mode.',
      { cause: error },
    );
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/**
 * The check changes a session setting on one connection. Behind a pooler in transaction mode a second connection sees
 * the setting, or the first connection loses it. The second connection holds a transaction meanwhile: a pooler assigns
 * the server session that was used last, so the first connection then gets another session.
 */
async function refuseTransactionPooler(address: UrlAddress): Promise<void> {
  const [first, second] = [connect({ ...address, pool: 1 }), connect({ ...address, pool: 1 })];
  try {
    if (await haveMixedSessions(first, second))
      throw new DatabaseUnusable(
        'DATABASE_URL is the address of a pooler in transaction mode. Set DATABASE_POOLER=transaction, or use session mode.',
      );
  } finally {
    await Promise.all([first.end({ timeout: 1 }), second.end({ timeout: 1 })]);
  }
}

/** Whether a pooler answers: a pooler sends its clients an invented process id. */
async function isPooled(sql: Sql): Promise<boolean> {
  const rows = await execute(sql<[{ pid: number }]>`select pg_backend_pid() as pid`);
  return rows[0].pid !== rows.state.pid;
}

async function haveMixedSessions(first: Sql, second: Sql): Promise<boolean> {
  const mark = randomUUID();
  await execute(second`select 1`);
  await execute(first`select set_config('kinship.mark', ${mark}, false)`);
  // Not `second.begin`, whose work must not wait for another connection such as `first`. The later `end` rolls back.
  await execute(second.unsafe('begin'));
  const seen = await readMark(second);
  return seen === mark || (await readMark(first)) !== mark;
}

async function readMark(sql: Sql): Promise<string | null> {
  const [row] = await execute(
    sql<[{ mark: string | null }]>`select current_setting('kinship.mark', true) as mark`,
  );
  return row.mark;
}
