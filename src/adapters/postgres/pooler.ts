import { randomUUID } from 'node:crypto';
import { connect, type Sql, type UrlAddress } from './connect.ts';
import { DatabaseUnfit } from './connection/session.ts';
import { execute } from './execute.ts';

/**
 * Throws {@link DatabaseUnfit} where the address leads to a pooler in transaction mode and the configuration does not
 * say so. A session setting of one connection shows it: another connection sees the setting, or the first one loses
 * it. Both are asked while the second holds a transaction, since poolers hand out the server used last.
 */
export async function refuseTransactionPooler(sql: Sql, address: UrlAddress): Promise<void> {
  if (address.pooler === 'transaction' || !(await isPooled(sql))) return;
  const [one, other] = [connect({ ...address, pool: 1 }), connect({ ...address, pool: 1 })];
  try {
    if (await shareSessions(one, other))
      throw new DatabaseUnfit(
        'DATABASE_URL leads to a pooler in transaction mode. Set DATABASE_POOLER=transaction, or use session mode.',
      );
  } finally {
    await Promise.all([one.end({ timeout: 1 }), other.end({ timeout: 1 })]);
  }
}

/** A pooler invents the process id that it greets its clients with. */
async function isPooled(sql: Sql): Promise<boolean> {
  const rows = await execute(sql<[{ pid: number }]>`select pg_backend_pid() as pid`);
  return rows[0].pid !== rows.state.pid;
}

async function shareSessions(one: Sql, other: Sql): Promise<boolean> {
  const mark = randomUUID();
  await other`select 1`;
  await one`select set_config('kinship.mark', ${mark}, false)`;
  return other.begin(async (tx) => {
    const [seen] = await tx<[{ mark: string | null }]>`select current_setting('kinship.mark', true) as mark`;
    const [kept] = await one<[{ mark: string | null }]>`select current_setting('kinship.mark', true) as mark`;
    return seen.mark === mark || kept.mark !== mark;
  });
}
