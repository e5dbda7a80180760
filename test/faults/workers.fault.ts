import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import type { RunningService } from '../support/process.ts';
import { waitUntil } from '../support/wait-until.ts';
import { faultsIn } from './support/checks.ts';
import { type Client, openClient } from './support/client.ts';
import { startLoad, totals } from './support/load.ts';
import { createAgent } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

/** The workers of one service under full load: they are replaced, stopped and killed. */

const WORKERS = '2';
const CLIENTS = 24;
const ROUNDS = 3;

/** A service of workers and the clients that load it. */
async function openLoaded(t: Test, { keepAlive = true } = {}) {
  const url = await testDatabase(t);
  const env = await environment(t, { DATABASE_URL: url, WORKERS });
  const service = await start(t, env);
  const agent = createAgent(t, { keepAlive });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(service, agent)));
  return { env, service, clients, check: () => faultsIn(clients, connectDirectly(t, url), env) };
}

function countLines(service: RunningService, words: string): number {
  return service.logs().filter((line) => line.includes(words)).length;
}

function report(t: Test, what: string, clients: readonly Client[]): void {
  const { rotations, unknown, forcedLogouts } = totals(clients);
  const requests = clients.reduce((sum, { history }) => sum + history.length, 0);
  t.comment(
    `${what}: ${rotations} rotations, ${unknown} failed of ${requests} requests, ${forcedLogouts} forced logouts`,
  );
}

t.test('a reload at full load fails no request', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { service, clients, check } = await openLoaded(t);
  const load = startLoad(clients);
  for (let round = 1; round <= ROUNDS; round += 1) {
    await delay(500);
    process.kill(service.pid, 'SIGHUP');
    await waitUntil(() => countLines(service, '"msg":"reloaded"') === round);
  }
  await delay(500);
  await load.stop();
  t.strictSame(await check(), []);
  t.equal(totals(clients).unknown, 0, 'no request failed');
  report(t, `${ROUNDS} reloads of ${WORKERS} workers`, clients);
});

t.test('a stop at full load answers every accepted request', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { env, service, clients, check } = await openLoaded(t);
  const load = startLoad(clients, { pause: 5 });
  await delay(randomInt(800, 1_500));
  t.equal(await service.stop(), 0);
  const next = await start(t, env); // clients repeat a refused request until it is answered
  await load.stop();
  t.equal(await next.stop(), 0);
  t.strictSame(await check(), []);
  const reasons = clients.flatMap(({ history }) =>
    history.map((one) => (one.outcome === 'ok' ? 'ok' : one.why)),
  );
  // The request was on a new connection, which the system had accepted but no worker had.
  const neverTaken = reasons.filter((why) => why === 'asking: ECONNRESET');
  const failed = reasons.filter(
    (why) => !/^(?:ok|\d{3}|connecting: ECONNREFUSED|asking: ECONNRESET)/.test(why),
  );
  t.same(
    failed,
    [],
    'a request without an answer had no connection, or a new connection that no worker had taken',
  );
  t.comment(
    `stop of ${WORKERS} workers at full load: ${failed.length} failed of ${reasons.length} requests; ` +
      `${neverTaken.length} connections that the system had taken, and no worker had, were reset`,
  );
});

t.test('a killed worker logs no client out, and the other workers continue', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { service, clients, check } = await openLoaded(t);
  const load = startLoad(clients);
  for (let round = 1; round <= ROUNDS; round += 1) {
    await delay(500);
    process.kill(lastReadyWorker(service), 'SIGKILL');
    await waitUntil(() => countLines(service, '"msg":"worker ready"') === Number(WORKERS) + round);
  }
  await delay(500);
  await load.stop();
  t.strictSame(await check(), []);
  t.equal(totals(clients).forcedLogouts, 0);
  report(t, `${ROUNDS} killed workers`, clients);
});

function lastReadyWorker(service: RunningService): number {
  const line = service.logs().findLast((entry) => entry.includes('"msg":"worker ready"')) ?? '{}';
  return Number((JSON.parse(line) as { pid?: number }).pid);
}
