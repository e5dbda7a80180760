import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type postgres from 'postgres';
import t, { type Test } from 'tap';
import { STATEMENT_TIMEOUT } from '../../src/adapters/postgres/execute.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { PROGRAM } from '../support/program.ts';
import { schemaOf } from './support/schema.ts';
import { connectDirectly, type Environment, environment } from './support/service.ts';

/** Several replicas migrate at once, and the one that holds the lock is killed half-way. */

const ROUNDS = 5;
const MIGRATORS = 8;

t.test('exactly one other process migrates after the migrator was killed', async (t) => {
  if (!(await requirePostgres(t))) return;
  const env = await environment(t);
  const wanted = await migrateAlone(t, env);
  const tables = wanted.flatMap((what) => /^relation (\w+) r/.exec(what)?.[1] ?? []);
  let winners = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const table = tables[randomInt(tables.length)] ?? '';
    await t.test(`one other process migrates after a kill at the table ${table}`, async (t) => {
      winners += await raceAfterKill(t, env, table, wanted);
    });
  }
  t.comment(
    `migrators: ${ROUNDS} rounds of ${MIGRATORS}, the first of each killed, ${winners} winners among the others, ` +
      'the schema is that of a single migrator',
  );
});

async function migrateAlone(t: Test, env: Environment): Promise<string[]> {
  const url = await testDatabase(t);
  const { code, said } = await startMigrator(t, env, url).ended;
  t.equal(code, 0);
  t.match(said, /^applied 1 /);
  const wanted = await schemaOf(connectDirectly(t, url));
  t.ok(wanted.length > 40);
  return wanted;
}

/** Blocks the first migrator when it creates the table, kills it, and returns how many others migrated. */
async function raceAfterKill(
  t: Test,
  env: Environment,
  table: string,
  wanted: readonly string[],
): Promise<number> {
  const url = await testDatabase(t);
  const sql = connectDirectly(t, url);
  const watcher = connectDirectly(t, url);
  const blocker = await sql.reserve();
  await blocker`begin`;
  await blocker`create table ${blocker(table)} ()`;

  const migrators = Array.from({ length: MIGRATORS }, (_, index) =>
    startMigrator(t, env, nameConnection(url, index)),
  );
  const first = await waitForMigrators(watcher, 'transactionid', 1);
  await waitForMigrators(watcher, 'advisory', 3);
  const killed = migrators[Number(first)];
  killed?.kill();
  await delay(STATEMENT_TIMEOUT + 500); // the wait for the lock must not count as a statement
  await blocker`rollback`;
  blocker.release();

  const ends = await Promise.all(migrators.filter((one) => one !== killed).map(({ ended }) => ended));
  t.same(new Set(ends.map(({ code }) => code)), new Set([0]), ends.map(({ said }) => said).join('\n'));
  const winners = ends.filter(({ said }) => said.startsWith('applied 1 ')).length;
  t.equal(winners, 1);
  t.equal(ends.filter(({ said }) => said.includes('up to date')).length, MIGRATORS - 2);
  t.strictSame(await schemaOf(watcher), wanted);
  return winners;
}

/** Gives the connection a name, by which `pg_stat_activity` identifies the migrator. */
function nameConnection(url: string, index: number): string {
  const own = new URL(url);
  own.search = String(new URLSearchParams({ application_name: String(index) }));
  return own.href;
}

function startMigrator(t: Test, env: Environment, url: string) {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [...PROGRAM, 'migrate'], {
    env: { PATH, HOME, ...env, DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  t.teardown(kill);
  const ended = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]).then(
    ([[code], out, err]) => ({ code: code as number | null, said: `${out}${err}` }),
  );
  return { kill, ended };
}

/** Waits until `count` migrators wait for a lock of this kind, and returns the name of one of them. */
async function waitForMigrators(sql: postgres.Sql, lock: string, count: number): Promise<string> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await delay(50)) {
    const rows = await sql<{ name: string }[]>`
      select application_name as name from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and wait_event = ${lock}`;
    const [row] = rows;
    if (row !== undefined && rows.length >= count) return row.name;
  }
  throw new Error(`no ${count} migrators wait for a lock of kind ${lock}`);
}
