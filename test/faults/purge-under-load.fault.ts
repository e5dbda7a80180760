import { setTimeout as delay } from 'node:timers/promises';
import type postgres from 'postgres';
import t from 'tap';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { faultsIn } from './support/checks.ts';
import { type Client, openClient } from './support/client.ts';
import { percentile, startLoad, totals } from './support/load.ts';
import { createAgent } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

/** A purge removes a day's worth of ended sessions. Refreshes of other sessions succeed meanwhile. */

const EXPIRED = 100_000;
const REVOKED = 20_000;
/** Sessions that are live, or that ended so recently that their tokens may be presented again. */
const KEPT = 20_000;
/** One session in this many has a notified subject. */
const NOTIFIED = 10;
const CLIENTS = 8;
const MILLISECONDS_BEFORE = 8_000;
const PURGED_WITHIN = 300_000;

t.test('a purge under load removes ended sessions, and fails no refresh', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const sql = connectDirectly(t, url);
  const env = await environment(t, { DATABASE_URL: url });
  const service = await start(t, env);
  await fill(sql);
  const agent = createAgent(t, { keepAlive: true });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(service, agent)));
  const load = startLoad(clients);
  await delay(MILLISECONDS_BEFORE);
  const before = timesSince(clients);

  // Each replica purges when it starts. Two replicas start, and one of them at a time holds the lock.
  const replicas = await Promise.all([0, 1].map(() => start(t, { ...env, API_PORT: '0' })));
  const seen = clients.map(({ history }) => history.length);
  const left = await rowsOf(sql, 'token_families');
  const seconds = await waitForPurge(sql, KEPT + CLIENTS);
  const during = timesSince(clients, seen);
  await load.stop();

  for (const replica of replicas) t.equal(await replica.stop(), 0);
  t.equal(await rowsOf(sql, 'token_families'), KEPT + CLIENTS, 'only the ended sessions were purged');
  t.equal(await rowsOf(sql, 'told_subjects'), KEPT / NOTIFIED, 'with their notified subjects');
  t.ok(await isIndexUsed(sql), 'found by the index');
  t.strictSame(await faultsIn(clients, sql, env), []);
  t.equal(totals(clients).forcedLogouts, 0);
  t.equal(totals(clients).unknown, 0, 'no refresh failed');
  t.comment(
    `purge under load: ${left - KEPT - CLIENTS} sessions in ${seconds.toFixed(0)} s, ` +
      `${((left - KEPT - CLIENTS) / seconds).toFixed(0)} a second; refresh p50 and p99 ${figures(before)} without ` +
      `it (${before.length} refreshes), ${figures(during)} beside it (${during.length})`,
  );
});

/** Inserts sessions that the purge must remove, and similar sessions that it must keep. */
async function fill(sql: postgres.Sql): Promise<void> {
  const days = (count: number) => sql`now() - ${count} * interval '1 day'`;
  await insert(sql, EXPIRED, { end: days(60), revokedAt: sql`null` });
  await insert(sql, REVOKED, { end: days(-20), revokedAt: days(40) });
  await insert(sql, KEPT / 4, { end: days(29), revokedAt: sql`null` });
  await insert(sql, KEPT / 4, { end: days(60), revokedAt: days(29) });
  await insert(sql, KEPT / 2, { end: days(-60), revokedAt: sql`null` });
  await sql`
    insert into told_subjects
    select token_family, '198.51.100.7', created_at from token_families where generation % ${NOTIFIED} = 0`;
  await sql`analyze token_families`;
}

interface Ending {
  readonly end: postgres.Fragment;
  readonly revokedAt: postgres.Fragment;
}

async function insert(sql: postgres.Sql, count: number, { end, revokedAt }: Ending): Promise<void> {
  await sql`
    insert into token_families
    select gen_random_uuid(), gen_random_uuid(), true, 'canonical', 'kinship', null, 'notify', 'ignore',
      '203.0.113.1', '{203.0.113.1,agent test}', ${end} - interval '90 days', ${end},
      ${revokedAt}, case when ${revokedAt} is not null then 'logout' end,
      n, sha512(n::text::bytea), null, null, 'hmac-sha512.key', sha256(n::text::bytea), 'a', 'r',
      ${end}, ${end}, '203.0.113.1', 'test/1', ${end} - interval '30 days'
    from generate_series(1, ${count}) as n`;
}

/** Seconds until at most `left` sessions remain. */
async function waitForPurge(sql: postgres.Sql, left: number): Promise<number> {
  const started = performance.now();
  for (const deadline = Date.now() + PURGED_WITHIN; Date.now() < deadline; await delay(250)) {
    if ((await rowsOf(sql, 'token_families')) <= left) return (performance.now() - started) / 1000;
  }
  throw new Error(`not purged within ${PURGED_WITHIN} ms`);
}

async function rowsOf(sql: postgres.Sql, table: string): Promise<number> {
  const [row] = await sql`select count(*)::int as count from ${sql(table)}`;
  return row?.count;
}

async function isIndexUsed(sql: postgres.Sql): Promise<boolean> {
  const [row] = await sql`
    select idx_scan from pg_stat_user_indexes where indexrelname = 'token_families_ended'`;
  return Number(row?.idx_scan) > 0;
}

/** Milliseconds that each refresh took, without the first `seen` refreshes of each client. */
function timesSince(clients: readonly Client[], seen: readonly number[] = []): number[] {
  return clients.flatMap(({ history }, index) => history.slice(seen[index] ?? 0).map(({ ms }) => ms));
}

function figures(times: readonly number[]): string {
  return `${percentile(times, 0.5).toFixed(1)} and ${percentile(times, 0.99).toFixed(1)} ms`;
}
