import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { requirePrivatePostgres, startPrivatePostgres } from '../support/private-postgres.ts';
import { waitUntil } from '../support/wait-until.ts';
import { faultsIn, lossesIn } from './support/checks.ts';
import { type Client, openClient } from './support/client.ts';
import { startLoad, totals } from './support/load.ts';
import { createAgent } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

const CRASHES = 3;
const CLIENTS = 16;
const RECOVERS_WITHIN = 30_000;

t.test('crashes of PostgreSQL under load end no session', async (t) => {
  if (!requirePrivatePostgres(t)) return;
  const cluster = await startPrivatePostgres(t);
  const env = await environment(t, { DATABASE_URL: cluster.url });
  const service = await start(t, env);
  const sql = connectDirectly(t, cluster.url);
  const agent = createAgent(t, { keepAlive: true });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(service, agent)));
  const load = startLoad(clients);
  const recoveries: number[] = [];

  for (let crash = 0; crash < CRASHES; crash += 1) {
    await delay(randomInt(500, 1_500));
    await cluster.stop('immediate');
    await waitUntil(
      () => clients.every((client) => lastFailureOf(client) === '503 unavailable'),
      RECOVERS_WITHIN,
    );
    t.equal((await fetch(new URL('/health/ready', service.url))).status, 503);
    t.equal((await fetch(new URL('/health/live', service.url))).status, 200);
    const held = clients.map((client) => client.generation());
    await cluster.start();
    const started = performance.now();
    await waitUntil(
      () => clients.every((client, index) => client.generation() > held[index]!),
      RECOVERS_WITHIN,
    );
    recoveries.push((performance.now() - started) / 1000);
    t.equal((await fetch(new URL('/health/ready', service.url))).status, 200);
  }
  await load.stop();

  t.strictSame(await faultsIn(clients, sql, env), []);
  t.equal((await lossesIn(clients, sql)).lost, 0);
  assertOnlyUnavailable(t, clients);
  const { rotations, forcedLogouts } = totals(clients);
  const slowest = Math.max(...clients.flatMap(({ history }) => history.map(({ ms }) => ms)));
  t.comment(
    `database crash: ${CRASHES} crashes, ${rotations} rotations, ${forcedLogouts} forced logouts, every session ` +
      `served again ${recoveries.map((seconds) => seconds.toFixed(1)).join(', ')} s after the start of PostgreSQL, ` +
      `slowest answer ${(slowest / 1000).toFixed(1)} s`,
  );
});

/** Asserts that every request that did not succeed was answered with 503 `unavailable`. */
function assertOnlyUnavailable(t: Test, clients: readonly Client[]): void {
  const reasons = clients.flatMap(({ history }) =>
    history.flatMap((attempt) => (attempt.outcome === 'ok' ? [] : [attempt.why])),
  );
  t.strictSame([...new Set(reasons)], ['503 unavailable']);
}

function lastFailureOf({ history }: Client): string | undefined {
  const last = history.at(-1);
  return last?.outcome === 'ok' ? undefined : last?.why;
}
