import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { execute, mapDriverError } from '../../src/adapters/postgres/execute.ts';
import { createWebhookEndpoints } from '../../src/adapters/postgres/webhook-endpoints.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { someEndpoint } from '../ports/webhooks.ts';
import { someAuditEntry } from '../support/families.ts';
import { migratedDatabase, requirePostgres, testDatabase } from '../support/postgres.ts';
import { proxyTo } from '../support/tcp-proxy.ts';

const outcomeOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'answered',
    (error: unknown) => (error instanceof StoreUnavailable ? error.outcome : 'passed on'),
  );

t.test('each error code has its outcome', async (t) => {
  const cases = {
    nothing: [
      'ECONNREFUSED',
      'EMFILE',
      'CONNECT_TIMEOUT',
      '28P01',
      '3D000',
      '40P01',
      '53300',
      '57014',
      '57P03',
      '25006',
    ],
    unknown: [
      'CONNECTION_CLOSED',
      'ECONNRESET',
      'ETIMEDOUT',
      '08006',
      '40003',
      '57P01',
      '58030',
      'CERT_HAS_EXPIRED',
    ],
    'passed on': ['23505', '42P01', '22P02', 'ERR_ASSERTION', ''],
  };
  for (const [outcome, codes] of Object.entries(cases)) {
    for (const code of codes) {
      const error = Object.assign(new Error('no'), { code });
      t.equal(await outcomeOf(mapDriverError(Promise.reject(error))), outcome, code);
    }
  }
  t.equal(await outcomeOf(mapDriverError(Promise.reject('text'))), 'passed on');
  t.equal(await outcomeOf(mapDriverError(Promise.resolve(1))), 'answered');
});

t.test('a statement that the server canceled does not take effect later', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const [sql, other] = [connect({ kind: 'url', url, pool: 1 }), connect({ kind: 'url', url, pool: 1 })];
  t.teardown(() => Promise.all([sql.end({ timeout: 1 }), other.end({ timeout: 1 })]));
  await sql`create table marks (mark int)`;
  await other.begin(async (tx) => {
    await tx`lock table marks in access exclusive mode`;
    t.equal(await outcomeOf(execute(sql`insert into marks values (1)`)), 'nothing', 'canceled by the server');
  });
  t.same([...(await sql`select mark from marks`)], []);
});

t.test(
  'a transaction that waits for a connection until its deadline does not take effect later',
  async (t) => {
    if (!(await requirePostgres(t))) return;
    const sql = connect({ kind: 'url', url: await testDatabase(t), pool: 1 });
    t.teardown(() => sql.end({ timeout: 1 }));
    await sql`create table marks (mark int)`;
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const holding = sql.begin(() => released);
    const outcome = await outcomeOf(execute(sql.begin((tx) => tx`insert into marks values (1)`)));
    release();
    await holding;
    t.equal(outcome, 'nothing');
    t.same([...(await sql`select mark from marks`)], []);
  },
);

t.test('a statement that waits for a connection until its deadline is canceled', async (t) => {
  let reject = () => {};
  const queued = Object.assign(
    new Promise((_resolve, fail) => {
      reject = () => fail(Object.assign(new Error('canceled'), { code: '57014' }));
    }),
    { state: null, cancel: () => reject() },
  );
  t.equal(await outcomeOf(execute(queued)), 'nothing');
});

t.test('a change with audit entries that waits until its deadline does not take effect later', async (t) => {
  if (!(await requirePostgres(t))) return;
  const sql = connect({ kind: 'url', url: await migratedDatabase(t), pool: 1 });
  t.teardown(() => sql.end({ timeout: 1 }));
  const endpoints = createWebhookEndpoints(sql);
  const endpoint = someEndpoint();
  await endpoints.add(endpoint, { total: 10, ofOwner: 10 });
  const entry = someAuditEntry('webhooks.removed');
  const occupied = sql.begin(() => delay(6_000));
  const removals = [endpoints.remove(endpoint.id), endpoints.remove(endpoint.id, [entry])].map(outcomeOf);
  t.same(await Promise.all(removals), ['nothing', 'nothing']);
  await occupied;
  t.ok(await endpoints.find(endpoint.id));
});

t.test('statements to a server that never answers are rejected as unavailable', async (t) => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const address = silent.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const sql = connect({ kind: 'url', url: `postgres://127.0.0.1:${port}/none`, pool: 1 });
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    silent.close();
    await sql.end({ timeout: 1 });
  });
  const outcomes = await Promise.all([1, 2, 3].map(() => outcomeOf(execute(sql`select 1`))));
  t.notOk(outcomes.includes('answered'));
  t.notOk(outcomes.includes('passed on'));
});

t.test('a statement without an answer is pending', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { proxy, url } = await proxyTo(t, await testDatabase(t));
  const sql = connect({ kind: 'url', url, pool: 1 });
  t.teardown(() => sql.end({ timeout: 0 }));
  await sql`select 1`;
  proxy.pause();
  t.equal(await outcomeOf(execute(sql`select 1`)), 'pending');
});
