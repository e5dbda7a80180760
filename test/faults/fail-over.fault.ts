import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { logIn, logOut, type OpenedSession } from '../support/issuing-service.ts';
import { requirePrivatePostgres } from '../support/private-postgres.ts';
import { waitUntil } from '../support/wait-until.ts';
import { faultsIn, lossesIn } from './support/checks.ts';
import { type Client, openClient } from './support/client.ts';
import { percentile, startLoad, totals } from './support/load.ts';
import { startReplicatedPostgres } from './support/replication.ts';
import { createAgent, post } from './support/request.ts';
import {
  FOR_RESOURCE_SERVERS,
  isAccepted,
  startResourceServer,
  waitForRefusal,
} from './support/resource-server.ts';
import { type Environment, environment, start } from './support/service.ts';

const CLIENTS = 16;
/** Logins while the standby falls behind. */
const LATE = 5;

/** Milliseconds of load: before the standby falls behind, and while it falls behind. */
const BEFORE = 1_000;
const BEHIND = 1_500;

/** Milliseconds for which the standby hangs: longer than the deadline of a statement. */
const FROZEN = 12_000;

t.test(
  'after a fail-over to a standby that lags, sessions continue, and a reused token is still detected',
  async (t) => {
    if (!requirePrivatePostgres(t)) return;
    const { database, env, service, agent, clients } = await setUp(t, { synchronous: false });
    const load = startLoad(clients);
    await delay(BEFORE);
    database.line.pause();
    const late = await Promise.all(Array.from({ length: LATE }, () => openClient(service, agent)));
    await delay(BEHIND);
    const held = clients.map((client) => client.generation());
    const replayed = clients[0]!.pair();
    const sql = await database.promote();
    const { lost } = await lossesIn(clients, sql);
    t.ok(lost > 0, 'acknowledged rotations were lost');
    database.redirect();
    await waitUntil(() => clients.every((client, index) => client.generation() > held[index]!));
    await load.stop();
    await Promise.all(late.map((client) => client.rotate()));

    t.strictSame(await faultsIn(clients, sql, env), []);
    t.equal(totals(clients).forcedLogouts, 0);
    const [healed] = await sql<{ count: number }[]>`
    select count(distinct data->>'sessionId')::int as count from outbox where type = 'sessions.healed'`;
    t.equal(healed?.count, lost, 'each session that lost a rotation was healed');
    // A login that the standby never received cannot be healed: no row shows that it was acknowledged.
    t.strictSame([...new Set(late.map((client) => client.logoutReason()))], ['401 session_not_found']);

    const replay = { refreshToken: replayed.refresh, accessToken: replayed.access };
    const answer = await post(agent, new URL('/auth/refresh', service.url), replay);
    t.match(answer, { status: 401, body: { code: 'token_reused' } });
    t.comment(
      `fail-over, asynchronous: ${totals(clients).rotations} rotations; of ${CLIENTS} sessions ${lost} had lost ` +
        `acknowledged rotations, ${healed?.count} healed, 0 logged out; of ${LATE} logins that the standby had not ` +
        `received ${late.length} have to log in again`,
    );
  },
);

t.test('fail-over to a synchronous standby: nothing that was acknowledged is lost', async (t) => {
  if (!requirePrivatePostgres(t)) return;
  const { database, env, clients } = await setUp(t, { synchronous: true });
  const load = startLoad(clients);
  await delay(BEFORE);
  database.line.pause();
  await waitUntil(() => clients.every(isRefusedFor('503 unavailable')));
  const sql = await database.promote();
  const { lost, inDoubt } = await lossesIn(clients, sql);
  t.equal(lost, 0);
  const held = clients.map((client) => client.generation());
  database.redirect();
  const cut = performance.now();
  await waitUntil(() => clients.every((client, index) => client.generation() > held[index]!));
  const seconds = (performance.now() - cut) / 1000;
  await load.stop();

  t.strictSame(await faultsIn(clients, sql, env), []);
  t.equal(totals(clients).forcedLogouts, 0);
  t.equal((await sql`select 1 from outbox where type = 'sessions.healed'`).count, 0);
  t.comment(
    `fail-over, synchronous: ${totals(clients).rotations} rotations, ${lost} lost, ${inDoubt} in doubt, ` +
      `0 logged out, every session served again ${seconds.toFixed(1)} s after the address led to the standby`,
  );
});

t.test('fail-over between two hosts of the URL: the service finds the new primary by itself', async (t) => {
  if (!requirePrivatePostgres(t)) return;
  const { database, env, service, agent, clients } = await setUp(t, { synchronous: true }, 'hosts');
  const load = startLoad(clients);
  await delay(BEFORE);
  const sql = await database.promote();
  const promoted = performance.now();
  const held = clients.map((client) => client.generation());
  await waitUntil(() => clients.every((client, index) => client.generation() > held[index]!));
  const seconds = (performance.now() - promoted) / 1000;
  await load.stop();

  t.strictSame(await faultsIn(clients, sql, env), []);
  t.equal(totals(clients).forcedLogouts, 0);
  await (await openClient(service, agent)).rotate();
  t.comment(
    `fail-over between two hosts: ${totals(clients).rotations} rotations, 0 logged out, every session served again ` +
      `${seconds.toFixed(1)} s after the promotion`,
  );
});

t.test(
  'after a fail-over, resource servers refuse the sessions that ended before it and after it',
  async (t) => {
    if (!requirePrivatePostgres(t)) return;
    const { database, service } = await setUp(t, { synchronous: true }, 'hosts', FOR_RESOURCE_SERVERS);
    const server = await startResourceServer(t, service.url);
    const [before, after, live] = [
      await logIn(service.url),
      await logIn(service.url),
      await logIn(service.url),
    ];
    await logOut(service.url, before);
    await waitForRefusal(server, before);

    await database.promote();
    await logOutWhenPossible(service.url, after);
    const acknowledged = performance.now();
    await waitForRefusal(server, after);
    const milliseconds = performance.now() - acknowledged;

    t.notOk(await isAccepted(server.verifier, before.authorization), 'the earlier end is not forgotten');
    t.ok(await isAccepted(server.verifier, live.authorization), 'a live session is accepted');
    t.comment(
      `fail-over: a resource server refused an ended session ${milliseconds.toFixed(0)} ms after its end`,
    );
  },
);

t.test('a synchronous standby hangs: refreshes are refused in time, and none is acknowledged', async (t) => {
  if (!requirePrivatePostgres(t)) return;
  const { database, env, clients } = await setUp(t, { synchronous: true });
  const load = startLoad(clients);
  await delay(BEFORE);
  const receiver = await database.receiver();
  process.kill(receiver, 'SIGSTOP');
  const thaw = () => process.kill(receiver, 'SIGCONT');
  t.teardown(thaw);
  await delay(200); // earlier acknowledgements may still be in transit
  const frozen = clients.map((client) => client.generation());
  await delay(FROZEN);
  t.strictSame(
    clients.map((client) => client.generation()),
    frozen,
    'nothing was answered with a pair',
  );
  t.ok(clients.every(isRefusedFor('503 unavailable')));
  thaw();
  await waitUntil(() => clients.every((client, index) => client.generation() > frozen[index]!));
  await load.stop();

  t.strictSame(await faultsIn(clients, database.onPrimary, env), []);
  t.equal(totals(clients).forcedLogouts, 0);
  const times = clients.flatMap(({ history }) => history.map(({ ms }) => ms));
  t.comment(
    `synchronous standby frozen for ${FROZEN / 1000} s: longest hang ${(Math.max(...times) / 1000).toFixed(1)} s, ` +
      `half of all answers within ${percentile(times, 0.5).toFixed(0)} ms, 0 logged out`,
  );
});

async function setUp(
  t: Test,
  how: { readonly synchronous: boolean },
  url: 'url' | 'hosts' = 'url',
  values: Environment = {},
) {
  const database = await startReplicatedPostgres(t, how);
  const env = await environment(t, { DATABASE_URL: database[url], ...values });
  const service = await start(t, env);
  const agent = createAgent(t, { keepAlive: true });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(service, agent)));
  return { database, env, service, agent, clients };
}

/** Ends the session as soon as the service has found the new primary. */
async function logOutWhenPossible(url: string, session: OpenedSession): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      return await logOut(url, session);
    } catch {
      await delay(100);
    }
  }
  throw new Error('The session could not be ended.');
}

function isRefusedFor(reason: string) {
  return ({ history }: Client) => {
    const last = history.at(-1);
    return last !== undefined && last.outcome !== 'ok' && last.why === reason;
  };
}
