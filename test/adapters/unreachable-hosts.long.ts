import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t, { type Test } from 'tap';
import { connect, type UrlAddress } from '../../src/adapters/postgres/connect.ts';
import { openConnection } from '../../src/adapters/postgres/connection/open-connection.ts';
import { parseConnectionUrl } from '../../src/adapters/postgres/connection/url.ts';
import { execute } from '../../src/adapters/postgres/execute.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { startRevocationFeed } from '../../src/adapters/postgres/revocation-feed.ts';
import { blackHole } from '../support/black-hole.ts';
import { postgresServer, requirePostgres } from '../support/postgres.ts';
import { requirePrivatePostgres, startPrivatePostgres } from '../support/private-postgres.ts';
import { proxyTo } from '../support/tcp-proxy.ts';
import { waitUntil } from '../support/wait-until.ts';

const READ_ONLY = { settings: { default_transaction_read_only: 'on' } };

function open(t: Test, address: UrlAddress) {
  const sql = connect(address);
  t.teardown(() => sql.end({ timeout: 1 }));
  return sql;
}

t.test('a pool whose statements gave up while it connected is used again after the outage', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { proxy, url } = await proxyTo(t, (await postgresServer()) ?? '');
  const sql = open(t, { kind: 'url', url: `${url}?connect_timeout=20`, pool: 2 });
  proxy.pause();
  const givenUp = [1, 2, 3, 4].map((number) => execute(sql`select ${number}::int as number`));
  for (const statement of givenUp) t.equal(await statement.catch(({ outcome }) => outcome), 'nothing');
  proxy.resume();
  const rows = await Promise.all([5, 6, 7, 8].map((number) => execute(sql`select ${number}::int as number`)));
  t.same(
    rows.map(([row]) => row?.number),
    [5, 6, 7, 8],
  );
});

t.test('the timeout of a connection outlives a garbage collection', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const silent = createServer(() => {});
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const target = parseConnectionUrl(`postgres://u@127.0.0.1:${port}/db?sslmode=require&connect_timeout=2`);
  const [host] = target.hosts;
  if (host === undefined) throw new Error('the URL has a host');
  const connecting = openConnection(target, host, new AbortController().signal);
  const collections = setInterval(collect, 100);
  t.teardown(() => clearInterval(collections));
  await t.rejects(Promise.race([connecting, delay(20_000)]), { code: 'CONNECT_TIMEOUT' });
});

t.test('neither a host that is gone nor a standby delays statements or revocations for long', async (t) => {
  if (!requirePrivatePostgres(t)) return;
  const [standby, primary] = [await startPrivatePostgres(t, READ_ONLY), await startPrivatePostgres(t)];
  const direct = open(t, { kind: 'url', url: primary.url, pool: 1 });
  await migrate(direct);
  const hosts = [await blackHole(t), standby.port, primary.port].map((port) => `127.0.0.1:${port}`);
  const address = {
    kind: 'url',
    url: `postgres://postgres@${hosts.join(',')}/postgres?target_session_attrs=read-write`,
    pool: 4,
  } as const;
  const sql = open(t, address);
  const [row] = await execute(sql`select 1 as found`);
  t.equal(row?.found, 1, 'within the deadline of a statement');

  let isComplete = false;
  const feed = await startRevocationFeed({
    address,
    sql,
    list: {
      setComplete: (complete: boolean) => {
        isComplete = complete;
      },
      remember() {},
    } as unknown as Parameters<typeof startRevocationFeed>[0]['list'],
    policy: { accessTokenAge: 300_000, clockSkew: 60_000 },
    clock: Date.now,
    log: { info() {}, warn() {}, error() {} },
  });
  await waitUntil(() => isComplete, 30_000);
  t.ok(isComplete);
  await feed.stop();
});
