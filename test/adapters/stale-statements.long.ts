import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { assertEach, onlyRow } from '../../src/adapters/postgres/answer-check.ts';
import { connect, type Sql } from '../../src/adapters/postgres/connect.ts';
import { execute } from '../../src/adapters/postgres/execute.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';

/**
 * Tests of prepared statements that the server refuses: the schema has changed, or the session does not have the
 * statement.
 */

const ROWS = 200;
/** The age in milliseconds from which a pool may be replaced. */
const OLD_ENOUGH = 1_100;

async function openPools(t: Test, max: number): Promise<{ sql: Sql; admin: Sql }> {
  const url = await testDatabase(t);
  const [sql, admin] = [connect({ kind: 'url', url, pool: max }), connect({ kind: 'url', url, pool: 1 })];
  t.teardown(() => Promise.all([sql.end({ timeout: 1 }), admin.end({ timeout: 1 })]));
  await admin`create table things (id int primary key, ok boolean not null, hash bytea not null, n int not null)`;
  await admin`insert into things select i, true, decode(md5(i::text), 'hex'), i from generate_series(1, ${ROWS}) i`;
  return { sql, admin };
}

interface Outcomes {
  wrong: number;
  answered: number;
  refused: number;
  readonly others: unknown[];
}

/** Reads and writes different rows concurrently, until it is stopped. */
function startLoad(sql: Sql) {
  const outcomes: Outcomes = { wrong: 0, answered: 0, refused: 0, others: [] };
  let isStopping = false;
  const running = Promise.all(Array.from({ length: 24 }, (_, client) => keepAsking(client)));
  return {
    async stop(): Promise<Outcomes> {
      isStopping = true;
      await running;
      return outcomes;
    },
  };

  async function keepAsking(client: number): Promise<void> {
    for (let round = 0; !isStopping; round += 1) {
      await ask(((client * 31 + round) % ROWS) + 1, round % 4 === 0);
    }
  }

  async function ask(id: number, isWrite: boolean): Promise<void> {
    try {
      const [row] = await execute(
        isWrite
          ? sql`update things set ok = ${true}, hash = decode(md5(${String(id)}), 'hex') where id = ${id} returning id, n`
          : sql`select id, n from things where id = ${id} and ok = ${true}`,
      );
      outcomes.answered += 1;
      if (row?.id !== id || Number(row?.n) !== id) outcomes.wrong += 1;
    } catch (error) {
      if (error instanceof StoreUnavailable) outcomes.refused += 1;
      else outcomes.others.push(error);
    }
  }
}

t.test('a prepared statement that the server refuses as stale', async (t) => {
  if (!(await requirePostgres(t))) return;

  await t.test('is not repeated with parameters that are encoded twice', async (t) => {
    const { sql, admin } = await openPools(t, 1);
    const put = (id: number) =>
      execute(
        sql`insert into things (id, ok, hash, n) values (${id}, ${true}, ${Buffer.from('abc')}, ${id}) returning *`,
      );
    await put(1_000);
    await put(1_001);
    await delay(OLD_ENOUGH);
    await admin`alter table things add column added int`;
    await t.rejects(put(1_002), { name: 'StoreUnavailable', outcome: 'nothing' });
    t.same(
      [...(await admin`select id from things where id = 1002`)],
      [],
      'a refused statement has no effect',
    );
    t.match(await put(1_002), [{ ok: true, hash: Buffer.from('abc') }], 'the next statement works');
  });

  await t.test('is also refused inside a transaction, and the next transaction works', async (t) => {
    const { sql, admin } = await openPools(t, 1);
    const read = () => execute(sql.begin((tx) => tx`select * from things where id = ${7}`));
    await read();
    await read();
    await delay(OLD_ENOUGH);
    await admin`alter table things add column added int`;
    await t.rejects(read(), { name: 'StoreUnavailable', outcome: 'nothing' });
    t.match(await read(), [{ id: 7 }]);
  });

  await t.test('replaces even a new pool, so that only one statement is refused', async (t) => {
    const { sql, admin } = await openPools(t, 1);
    const read = () => execute(sql`select * from things where id = ${7}`);
    for (const column of ['one', 'two', 'three']) {
      await read();
      await read();
      await admin.unsafe(`alter table things add column ${column} int`);
      await t.rejects(read(), { name: 'StoreUnavailable', outcome: 'nothing' });
      t.match(await read(), [{ id: 7 }], 'the next statement works');
    }
  });

  await t.test('never gets the answer of another statement under load', async (t) => {
    const { sql, admin } = await openPools(t, 4);
    const running = startLoad(sql);
    for (const type of ['bigint', 'int', 'bigint', 'int']) {
      await delay(OLD_ENOUGH);
      await admin.unsafe(`alter table things alter column n type ${type}`);
    }
    await delay(OLD_ENOUGH);
    await assertNoWrongAnswer(t, 'changed types', await running.stop(), admin);
  });

  await t.test('never gets the answer of another statement when statements are lost', async (t) => {
    const { sql, admin } = await openPools(t, 4);
    const running = startLoad(sql);
    for (let round = 0; round < 3; round += 1) {
      await delay(OLD_ENOUGH);
      await Promise.all(Array.from({ length: 4 }, () => sql.unsafe('deallocate all')));
    }
    await delay(OLD_ENOUGH);
    await assertNoWrongAnswer(t, 'lost statements', await running.stop(), admin);
  });
});

async function assertNoWrongAnswer(t: Test, name: string, outcomes: Outcomes, admin: Sql): Promise<void> {
  const [corrupt] = await admin`
    select count(*)::int as count from things where hash <> decode(md5(id::text), 'hex') or not ok`;
  const [stuck] = await admin`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`;
  t.ok(outcomes.answered > 1_000, 'statements ran during the fault');
  t.ok(outcomes.refused > 0, 'some statements were refused as stale');
  t.equal(outcomes.wrong, 0, 'no answer of another statement');
  t.same(outcomes.others, [], 'no other error');
  t.equal(corrupt?.count, 0, 'no corrupt row');
  t.equal(stuck?.count, 0, 'no connection is stuck');
  const { answered, refused, wrong } = outcomes;
  t.comment(`${name}: ${answered} answered, ${refused} refused, ${wrong} wrong`);
}

t.test('a row with other columns than its statement is refused', async (t) => {
  t.equal(
    onlyRow([], () => false),
    null,
  );
  t.equal(
    onlyRow([1], (row) => row === 1),
    1,
  );
  t.throws(() => onlyRow([1], (row) => row === 2), { name: 'StoreUnavailable', outcome: 'unknown' });
  t.throws(() => assertEach([1, 2], (row) => row === 1), { name: 'StoreUnavailable' });
});

t.test('a pool that returned a row of another statement is replaced', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { sql } = await openPools(t, 1);
  const read = () => execute(sql<{ pid: number }[]>`select pg_backend_pid() as pid`);
  const rows = await read();
  t.same([...(await read())], [...rows], 'the same connection while the rows match');
  t.throws(() => onlyRow(rows, () => false), { name: 'StoreUnavailable', outcome: 'unknown' });
  t.not((await read())[0]?.pid, rows[0]?.pid, 'another connection');
});

t.test('each statement names its columns', async (t) => {
  const folder = 'src/adapters/postgres';
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  t.ok(files.length > 10);
  const star = /\b(?:select|returning)\s+(?:distinct\s+)?(?:[^`;]*?,\s*)?(?:\w+\.)?\*(?!\/)/i;
  t.match('select *', star, 'the pattern finds a star');
  t.match('returning family.*', star);
  for (const file of files)
    t.notMatch(readFileSync(join(folder, file), 'utf8').replace(/\/\*.*?\*\//gs, ''), star, file);
});
