import t from 'tap';
import type { Sql } from '../../src/adapters/postgres/connect.ts';
import { refuseWrongPooler } from '../../src/adapters/postgres/pooler.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { proxyTo } from '../support/tcp-proxy.ts';

/**
 * A connection that reports another process id than its server, as behind a pooler. The check calls nothing else of it.
 */
const pooled = (async () => Object.assign([{ pid: 1 }], { state: { pid: 2 } })) as unknown as Sql;

t.test('the check for a pooler in transaction mode', async (t) => {
  if (!(await requirePostgres(t))) return;

  await t.test('accepts connections that keep their sessions', async (t) => {
    await refuseWrongPooler(pooled, { kind: 'url', url: await testDatabase(t), pool: 1 });
  });

  await t.test('fails if one of its connections is lost during the transaction of the other', async (t) => {
    const { proxy, url } = await proxyTo(t, await testDatabase(t));
    proxy.loseAnswerTo(
      (bytes) =>
        bytes.includes("set_config('kinship.mark") && bytes.includes("current_setting('kinship.mark"),
    );
    await t.rejects(refuseWrongPooler(pooled, { kind: 'url', url, pool: 1 }), StoreUnavailable);
  });
});
