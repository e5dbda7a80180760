import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { connect, type Sql } from '../../src/adapters/postgres/connect.ts';
import { startEmbedded } from '../../src/adapters/postgres/embedded/start.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import type { RunningService } from '../support/process.ts';
import { faultsIn, lossesIn } from './support/checks.ts';
import { type Client, openClient } from './support/client.ts';
import { startLoad, totals } from './support/load.ts';
import { createAgent, post } from './support/request.ts';
import { connectDirectly, type Environment, environment, start } from './support/service.ts';

/**
 * The service is killed while it rotates tokens, and started again. Its clients lose time, but no session.
 */

t.test('on PostgreSQL, killing the service during a rotation ends no session', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const env = await environment(t, { DATABASE_URL: url });
  const sql = connectDirectly(t, url);
  const afterKill = (clients: readonly Client[]) => lossesIn(clients, sql);
  const run = await killAgainAndAgain(t, env, { kills: 10, clients: 24, afterKill });
  await check(t, run, sql, env);
  t.ok(run.committed > 0, 'some kills fell between a commit and its answer');
  t.comment(
    `killed inside a rotation: ${run.kills} kills, ${figures(run.clients)}; ` +
      `of ${run.inDoubt} requests in doubt after a kill ${run.committed} had been committed`,
  );
  await replaysEndTheirSession(t, run, sql);
});

t.test('on the embedded database, killing the service during a rotation ends no session', async (t) => {
  const env = await environment(t);
  const run = await killAgainAndAgain(t, env, { kills: 2, clients: 8 });
  await run.service.kill();
  const embedded = await startEmbedded(env.DATA_DIR ?? '');
  const sql = connect({ kind: 'embedded', socketPath: embedded.socketPath });
  t.teardown(async () => {
    await sql.end({ timeout: 5 });
    await embedded.close();
  });
  await check(t, run, sql, env);
  t.comment(`killed inside a rotation, embedded database: ${run.kills + 1} kills, ${figures(run.clients)}`);
});

interface Plan {
  readonly kills: number;
  readonly clients: number;
  /** Reads the database while the service is down. */
  readonly afterKill?: (clients: readonly Client[]) => ReturnType<typeof lossesIn>;
}

async function killAgainAndAgain(t: Test, env: Environment, { kills, clients: count, afterKill }: Plan) {
  const agent = createAgent(t, { keepAlive: true });
  let service: RunningService = await start(t, env);
  const target = { url: service.url };
  const clients = await Promise.all(Array.from({ length: count }, () => openClient(target, agent)));
  const load = startLoad(clients);
  let inDoubt = 0;
  let committed = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    await delay(randomInt(200, 1_200));
    await service.kill();
    if (afterKill) {
      await delay(100); // answers in transit reach their clients
      const found = await afterKill(clients);
      t.equal(found.lost, 0, 'the database has every acknowledged rotation');
      inDoubt += found.inDoubt;
      committed += found.committed;
    }
    service = await start(t, env);
  }
  await delay(500);
  await load.stop();
  return { kills, service, clients, inDoubt, committed };
}

async function check(t: Test, { clients }: { clients: readonly Client[] }, sql: Sql, env: Environment) {
  t.strictSame(await faultsIn(clients, sql, env), []);
  t.equal(totals(clients).forcedLogouts, 0);
}

function figures(clients: readonly Client[]): string {
  const { rotations, forcedLogouts } = totals(clients);
  return `${rotations} rotations, ${forcedLogouts} forced logouts`;
}

/** After the kills a replayed token still ends its session at once. */
async function replaysEndTheirSession(
  t: Test,
  { clients, service }: { clients: readonly Client[]; service: RunningService },
  sql: Sql,
): Promise<void> {
  const agent = createAgent(t, { keepAlive: true });
  const refresh = ({ access, refresh }: ReturnType<Client['pair']>) =>
    post(agent, new URL('/auth/refresh', service.url), { refreshToken: refresh, accessToken: access });
  for (const { tokenFamily, history, pair } of clients.slice(0, 4)) {
    const pairs = history.flatMap((attempt) => (attempt.outcome === 'ok' ? [attempt.pair] : []));
    const stolen = pairs[randomInt(pairs.length - 3)];
    if (stolen === undefined) throw new Error('there is no earlier pair');
    t.equal((await refresh(stolen)).body.code, 'token_reused');
    const [row] = await sql`select revoked_reason from token_families where token_family = ${tokenFamily}`;
    t.equal(row?.revoked_reason, 'reuse');
    t.equal((await refresh(pair())).body.code, 'session_revoked');
  }
}
