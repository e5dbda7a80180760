import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startBalancer } from './support/balancer.ts';
import { faultsIn } from './support/checks.ts';
import { openClient } from './support/client.ts';
import { startLoad, totals } from './support/load.ts';
import { createAgent } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

/** During its shutdown, a service answers every request that it has accepted. */

const STOPS = 3;
const CLIENTS = 24;

t.test('a stop at full load answers every accepted request', async (t) => {
  if (!(await requirePostgres(t))) return;
  for (const keepAlive of [true, false]) {
    await t.test(keepAlive ? 'on keep-alive connections' : 'on a connection for each request', async (t) => {
      await stopAgainAndAgain(t, keepAlive);
    });
  }
  await t.test('a stop answers a request of which half the body has arrived', stopInsideARequest);
  await t.test('a stop answers a refresh whose session is locked', stopWhileWaiting);
});

t.test('a rolling restart of two replicas fails no request', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const one = await environment(t, { DATABASE_URL: url });
  const { API_PORT } = await environment(t);
  const replicas = await Promise.all(
    [one, { ...one, API_PORT: String(API_PORT) }].map(async (env) => ({
      env,
      service: await start(t, env),
    })),
  );
  const front = await startBalancer(
    t,
    replicas.map(({ service }) => new URL(service.url)),
  );
  const agent = createAgent(t, { keepAlive: true });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(front, agent)));
  const load = startLoad(clients);
  let restarts = 0;
  for (let round = 0; round < 2; round += 1) {
    for (const replica of replicas) {
      await delay(500);
      t.equal(await replica.service.stop(), 0);
      replica.service = await start(t, replica.env);
      restarts += 1;
    }
  }
  await delay(500);
  await load.stop();

  t.strictSame(await faultsIn(clients, connectDirectly(t, url), one), []);
  const { rotations, unknown, forcedLogouts } = totals(clients);
  const requests = clients.reduce((sum, { history }) => sum + history.length, 0);
  t.equal(unknown, 0, 'no request failed');
  t.comment(
    `rolling restart: ${restarts} restarts, ${rotations} rotations, ${unknown} failed of ${requests} requests, ` +
      `${forcedLogouts} forced logouts`,
  );
});

async function stopAgainAndAgain(t: Test, keepAlive: boolean): Promise<void> {
  const url = await testDatabase(t);
  const env = await environment(t, { DATABASE_URL: url });
  const agent = createAgent(t, { keepAlive });
  let service = await start(t, env);
  const target = { url: service.url };
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(target, agent)));
  const load = startLoad(clients, { pause: 5 });
  let takenUp = 0;
  for (let stop = 0; stop < STOPS; stop += 1) {
    await delay(randomInt(300, 800));
    t.equal(await service.stop(), 0);
    takenUp += countRefreshes(service.logs());
    service = await start(t, env);
  }
  await load.stop();
  await service.stop();
  takenUp += countRefreshes(service.logs());

  t.strictSame(await faultsIn(clients, connectDirectly(t, url), env), []);
  const reasons = clients.flatMap(({ history }) =>
    history.map((one) => (one.outcome === 'ok' ? 'ok' : one.why)),
  );
  const answered = reasons.filter((why) => /^(?:ok|\d{3})/.test(why)).length;
  const turnedAway = reasons.filter((why) => why === 'connecting: ECONNREFUSED').length;
  const neverTaken = reasons.length - answered - turnedAway;
  t.equal(takenUp, answered, 'every request that the service accepted was answered');
  if (keepAlive) t.equal(neverTaken, 0, 'every other request was refused a connection');
  t.comment(
    `stop at full load, ${keepAlive ? 'keep-alive connections' : 'a connection for each request'}: ${STOPS} stops, ` +
      `${takenUp - answered} failed of ${takenUp} accepted requests; ` +
      `${neverTaken} connections that the system had taken, and the service had not, were reset`,
  );
}

/** The number of refreshes in the log of the service that were answered, or cut off before the end of the answer. */
function countRefreshes(lines: readonly string[]): number {
  const ended = /"answered"|"the connection was closed before the end of the answer"/;
  return lines.filter((line) => ended.test(line) && line.includes('/auth/refresh')).length;
}

/** Stops the service after the headers and half of a body have arrived. */
async function stopInsideARequest(t: Test): Promise<void> {
  const env = await environment(t, { DATABASE_URL: await testDatabase(t) });
  const service = await start(t, env);
  const { hostname, port } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  const body = JSON.stringify({ refreshToken: 'x'.repeat(1_000) });
  const head = [`POST /auth/refresh HTTP/1.1`, `host: ${hostname}`, 'content-type: application/json'];
  socket.write(`${[...head, `content-length: ${body.length}`].join('\r\n')}\r\n\r\n${body.slice(0, 500)}`);
  await delay(100);
  const stopped = service.stop();
  await delay(200);
  socket.write(body.slice(500));
  const answer = await text(socket);
  t.match(answer, /^HTTP\/1\.1 400 /);
  t.match(answer, /^connection: close\r$/im);
  t.match(answer, /"code":"malformed_token"/);
  t.equal(await stopped, 0);
}

/** On a keep-alive connection, a request waits for a row lock for longer than idle connections stay open. */
async function stopWhileWaiting(t: Test): Promise<void> {
  const url = await testDatabase(t);
  const sql = connectDirectly(t, url);
  const env = await environment(t, { DATABASE_URL: url });
  const service = await start(t, env);
  const client = await openClient(service, createAgent(t, { keepAlive: true }));
  let rotated = Promise.resolve();
  let stopped = Promise.resolve<number | null>(null);
  await sql.begin(async (tx) => {
    await tx`select 1 from token_families where token_family = ${client.tokenFamily} for update`;
    rotated = client.rotate();
    await delay(200);
    stopped = service.stop();
    await delay(1_500);
  });
  await rotated;
  t.match(client.history, [{ outcome: 'ok' }]);
  t.equal(await stopped, 0);
}
