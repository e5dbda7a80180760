import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import t, { type Test } from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { execute } from '../../src/adapters/postgres/execute.ts';
import { POOLED_ROLE, requirePgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { requirePostgres, testDatabase, testRole } from '../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { waitForValue } from '../support/wait-until.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
const MODES = ['session', 'transaction'] as const;

interface Answer {
  readonly status: number;
  readonly body: Record<string, string>;
}

async function post(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', headers });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
}

const logIn = (url: string) => post(`${url}/auth/login?userId=${USER}`);
const refresh = (url: string, { body }: Answer) =>
  post(`${url}/auth/refresh?refreshToken=${body.refresh}&accessToken=${body.access}`);
const protectedStatus = async (url: string, { body }: Answer) =>
  (await fetch(`${url}/auth/sessions`, { headers: { authorization: `Bearer ${body.access}` } })).status;

/** A database with a role that fits the mode, directly and through a PgBouncer with its defaults. */
async function databaseBehindPooler(t: Test, mode: (typeof MODES)[number]) {
  const hostile = { datestyle: 'German', bytea_output: 'escape' };
  const direct = await testRole(t, await testDatabase(t), mode === 'session' ? hostile : POOLED_ROLE);
  const { url } = await startPgBouncer(t, direct, mode);
  const admin = postgres(direct, { max: 1, onnotice: () => {} });
  t.teardown(() => admin.end({ timeout: 1 }));
  const env = {
    DATABASE_URL: url,
    DATABASE_POOLER: mode,
    DATA_DIR: await dataDir(t),
    LOGIN_BY_USER_ID: 'open',
  };
  return { admin, env };
}

const isFeedComplete = async (url: string) =>
  /^kinship_revocation_feed_complete 1$/m.test(await (await fetch(`${url}/metrics`)).text());

for (const mode of MODES) {
  t.test(`behind PgBouncer in ${mode} mode`, async (t) => {
    if (!(await requirePostgres(t)) || !requirePgBouncer(t)) return;
    const { admin, env } = await databaseBehindPooler(t, mode);
    const one = await startServiceInProcess(t, env);
    const other = await startServiceInProcess(t, env);

    await t.test('sessions are opened, refreshed and ended on both replicas', async (t) => {
      for (let round = 0; round < 10; round += 1) {
        const first = await logIn(one.url);
        t.equal(first.status, 200);
        const second = await refresh(other.url, first);
        t.equal(second.status, 200);
        t.equal(await protectedStatus(one.url, second), 200);
        t.match(await refresh(one.url, first), { status: 401, body: { code: 'token_reused' } });
        t.match(await refresh(one.url, second), { status: 401, body: { code: 'session_revoked' } });
      }
    });

    await t.test('a revocation on one replica reaches the other replica', async (t) => {
      t.ok(await isFeedComplete(other.url), 'no request has to ask the database');
      const pair = await logIn(one.url);
      t.equal(await protectedStatus(other.url, pair), 200);
      const { access = '' } = pair.body;
      t.equal((await post(`${one.url}/auth/logout`, { authorization: `Bearer ${access}` })).status, 204);
      await waitForValue('the revocation', async () =>
        (await protectedStatus(other.url, pair)) === 401 ? true : undefined,
      );
      // On a busy machine a statement may exceed its deadline, which interrupts the feed for a moment.
      await waitForValue('the feed', async () => (await isFeedComplete(other.url)) || undefined);
    });

    await t.test('a statement that exceeded its deadline has no later effect', async (t) => {
      const locker = await admin.reserve();
      await locker`begin`;
      await locker`lock table token_families in access exclusive mode`;
      const before = Number((await locker`select count(*) as count from token_families`)[0]?.count);
      t.equal((await logIn(one.url)).status, 503);
      await delay(1_000);
      await locker`commit`;
      locker.release();
      await delay(500);
      t.equal(Number((await admin`select count(*) as count from token_families`)[0]?.count), before);
      await waitForValue('the service', async () =>
        (await logIn(one.url)).status === 200 ? true : undefined,
      );
    });
  });
}

t.test('a statement that was cancelled while it waited in PgBouncer has no effect later', async (t) => {
  if (!(await requirePostgres(t)) || !requirePgBouncer(t)) return;
  const direct = await testRole(t, await testDatabase(t), POOLED_ROLE);
  const { url } = await startPgBouncer(t, direct, 'transaction', { default_pool_size: 1 });
  const [admin, busy] = [direct, url].map((url) =>
    postgres(url, { max: 1, prepare: false, fetch_types: false }),
  );
  const sql = connect({ kind: 'url', url, pool: 2, pooler: 'transaction' });
  t.teardown(() => Promise.all([admin, busy, sql].map((pool) => pool?.end({ timeout: 1 }))));
  await admin!`create table marks (mark text)`;
  await Promise.all([sql`select 1`, sql`select 1`]);

  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let holding: Promise<unknown> = Promise.resolve();
  await new Promise<void>((resolve) => {
    holding = busy!.begin(async (tx) => {
      await tx`select 1`;
      resolve();
      await released;
    });
  });
  const answers = await Promise.allSettled([
    execute(sql`insert into marks values ('statement')`),
    execute(sql.begin((tx) => tx`insert into marks values ('transaction')`)),
  ]);
  t.same(
    answers.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  release();
  await holding;
  await waitForValue('the service', async () => (await execute(sql`select 1`)) && true);
  t.same([...(await admin!`select mark from marks`)], []);
});

t.test('behind a pooler in transaction mode each statement gets its own answer', async (t) => {
  if (!(await requirePostgres(t)) || !requirePgBouncer(t)) return;
  const direct = await testRole(t, await testDatabase(t), POOLED_ROLE);
  const { url } = await startPgBouncer(t, direct, 'transaction', { default_pool_size: 2 });
  // As of two replicas, with more statements at a time than connections.
  const pools = ['one', 'two'].map((name) => ({
    name,
    sql: connect({ kind: 'url', url, pool: 3, pooler: 'transaction' }),
  }));
  t.teardown(() => Promise.all(pools.map(({ sql }) => sql.end({ timeout: 1 }))));
  for (let round = 0; round < 100; round += 1) {
    const statements = pools.flatMap(({ name, sql }) =>
      Array.from({ length: 6 }, (_, index) => [
        { wanted: name, rows: execute(sql`select ${sql.unsafe(`'${name}'`)} as given`) },
        { wanted: new Date(index), rows: execute(sql`select ${new Date(index)}::timestamptz as given`) },
        { wanted: String(round), rows: execute(sql`select ${round}::bigint as given`) },
        { wanted: index, rows: execute(sql.begin((tx) => tx`select ${index}::integer as given`)) },
      ]).flat(),
    );
    const answers = await Promise.allSettled(statements.map(({ rows }) => rows));
    t.same(
      answers.map((answer) => (answer.status === 'fulfilled' ? answer.value[0]?.given : answer.reason)),
      statements.map(({ wanted }) => wanted),
    );
  }
});

t.test('a pooler in transaction mode is refused unless the configuration names the mode', async (t) => {
  if (!(await requirePostgres(t)) || !requirePgBouncer(t)) return;
  const { env } = await databaseBehindPooler(t, 'transaction');
  await t.rejects(startServiceInProcess(t, { ...env, DATABASE_POOLER: 'session' }), {
    message: /^DATABASE_URL is the address of a pooler in transaction mode\. Set DATABASE_POOLER=transaction/,
  });
});

t.test('a pooler in statement mode is refused', async (t) => {
  if (!(await requirePostgres(t)) || !requirePgBouncer(t)) return;
  const direct = await testRole(t, await testDatabase(t), POOLED_ROLE);
  const { url } = await startPgBouncer(t, direct, 'statement');
  const env = { DATABASE_URL: url, DATABASE_POOLER: 'transaction', DATA_DIR: await dataDir(t) };
  await t.rejects(startServiceInProcess(t, env), {
    message: /If it is in statement mode, use transaction mode/,
  });
});

t.test(
  'a role without the settings is refused, and the error contains the statements that set them',
  async (t) => {
    if (!(await requirePostgres(t)) || !requirePgBouncer(t)) return;
    const { url } = await startPgBouncer(t, await testRole(t, await testDatabase(t), {}), 'transaction');
    const env = { DATABASE_URL: url, DATABASE_POOLER: 'transaction', DATA_DIR: await dataDir(t) };
    await t.rejects(startServiceInProcess(t, env), {
      message: /alter role "\w+" set statement_timeout = '4s';/,
    });
  },
);

t.test('a read-only host is skipped for the next one', async (t) => {
  if (!(await requirePostgres(t)) || !requirePgBouncer(t)) return;
  const url = await testDatabase(t);
  const readOnly = await testRole(t, url, { default_transaction_read_only: 'on' });
  const pooler = new URL((await startPgBouncer(t, readOnly, 'session')).url);
  const { host, pathname, username } = new URL(url);
  const both = `postgres://${username}@${pooler.host},${host}${pathname}?target_session_attrs=read-write`;
  const sql = connect({ kind: 'url', url: both, pool: 2 });
  t.teardown(() => sql.end({ timeout: 1 }));
  const rows = await Promise.all(Array.from({ length: 6 }, () => sql`select current_user as name`));
  t.same(new Set(rows.map(([row]) => row?.name)), new Set([username]));
});
