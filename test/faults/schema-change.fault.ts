import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import t from 'tap';
import { POOLED_ROLE, requirePgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { requirePostgres, testDatabase, testRole } from '../support/postgres.ts';
import { countStuckConnections, startAccountReaders } from './support/account-readers.ts';
import { faultsIn } from './support/checks.ts';
import { openClient } from './support/client.ts';
import { startLoad, totals } from './support/load.ts';
import { createAgent } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

/** A newer release adds columns and changes types, or prepared statements are lost, under load. */

const ACCOUNTS = 12;
const CLIENTS = 8;
const PAUSE = 600;
const ROUNDS = 3;
const TABLES = [
  'token_families',
  'users',
  'user_identifiers',
  'outbox',
  'told_subjects',
  'password_resets',
] as const;

t.test('a schema change under load ends no session and mixes no answers', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const sql = connectDirectly(t, url);
  const env = await environment(t, { DATABASE_URL: url, REGISTER_LIMIT: '1000/1h' });
  const service = await start(t, env);
  const agent = createAgent(t, { keepAlive: true });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(service, agent)));
  const readers = await startAccountReaders(service, agent, ACCOUNTS);
  const load = startLoad(clients);
  await delay(PAUSE);
  for (const table of TABLES) {
    await sql.unsafe(`alter table ${table} add column added_later integer`);
    await delay(PAUSE);
  }
  // A changed type makes prepared statements stale although they name their columns. PostgreSQL refuses such
  // statements.
  await sql`alter table users alter column username type varchar(400)`;
  await delay(3 * PAUSE);
  const answers = await readers.stop();
  await load.stop();

  const count = (outcome: string) => answers.filter((answer) => answer === outcome).length;
  t.ok(count('own') > 100, 'the accounts were answered');
  t.equal(count('foreign'), 0, 'no account got the data of another one');
  t.equal(count('own') + count('503'), answers.length, 'each request was answered or refused with 503');
  t.strictSame(await faultsIn(clients, sql, env), []);
  t.equal(totals(clients).forcedLogouts, 0);
  t.equal(await countStuckConnections(sql), 0, 'no connection is stuck');
  const login = await openClient(service, agent);
  await login.rotate();
  t.equal(login.logoutReason(), null, 'a session that begins afterwards is refreshed');
  t.equal(await service.stop(), 0);
  t.comment(
    `schema change: ${TABLES.length} columns added, 1 type changed; ${answers.length} reads, ` +
      `${count('foreign')} wrong, ${count('503')} answered 503; ${totals(clients).rotations} rotations, ` +
      `${totals(clients).forcedLogouts} forced logouts`,
  );
});

for (const mode of ['session', 'transaction'] as const) {
  t.test(`a pooler in ${mode} mode that forgets statements and restarts ends no session`, async (t) => {
    if (!(await requirePostgres(t)) || !requirePgBouncer(t)) return;
    const direct = await testRole(t, await testDatabase(t), POOLED_ROLE);
    const pooler = await startPgBouncer(t, direct, mode);
    const sql = connectDirectly(t, direct);
    const values = { DATABASE_URL: pooler.url, DATABASE_POOLER: mode, REGISTER_LIMIT: '1000/1h' };
    const env = await environment(t, values);
    const service = await start(t, env);
    const agent = createAgent(t, { keepAlive: true });
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(service, agent)));
    const readers = await startAccountReaders(service, agent, ACCOUNTS);
    const load = startLoad(clients);
    for (let round = 0; round < ROUNDS; round += 1) {
      await delay(PAUSE);
      await forgetStatements(pooler.url);
      await delay(PAUSE);
      await pooler.restart();
    }
    await delay(3 * PAUSE);
    const answers = await readers.stop();
    await load.stop();

    const count = (outcome: string) => answers.filter((answer) => answer === outcome).length;
    t.ok(count('own') > 100, 'the accounts were answered');
    t.equal(count('foreign'), 0, 'no account got the data of another one');
    t.equal(count('own') + count('503'), answers.length, 'each request was answered or refused with 503');
    t.strictSame(await faultsIn(clients, sql, env), []);
    t.equal(totals(clients).forcedLogouts, 0);
    t.equal(await countStuckConnections(sql), 0, 'no connection is stuck');
    t.equal(await service.stop(), 0);
    t.comment(
      `pooler in ${mode} mode, ${ROUNDS} restarts: ${answers.length} reads, ${count('foreign')} wrong, ` +
        `${count('503')} answered 503; ${totals(clients).rotations} rotations, ` +
        `${totals(clients).forcedLogouts} forced logouts`,
    );
  });
}

/** Drops the prepared statements of the server connections of the pooler that are free at this moment. */
async function forgetStatements(url: string): Promise<void> {
  const sql = postgres(url, { max: 8, prepare: false, fetch_types: false, onnotice: () => {} });
  await Promise.allSettled(Array.from({ length: 8 }, () => sql.unsafe('deallocate all')));
  await sql.end({ timeout: 1 });
}
