import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { isRefresh } from '../client/support/sessions.ts';
import { claimsOf } from '../support/forge.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { proxyTo, tcpProxy } from '../support/tcp-proxy.ts';
import { recordAnswers } from './support/answers-on-the-wire.ts';
import { faultsIn } from './support/checks.ts';
import { type Client, openClient, type Pair } from './support/client.ts';
import { totals } from './support/load.ts';
import { type Answer, createAgent, post, RequestFailed } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

/** The rotation is committed, but its answer is lost. */

const ROUNDS = 100;
const HOST = '127.0.0.1';

t.test('a client that loses the answer of the service', async (t) => {
  if (!(await requirePostgres(t))) return;
  for (const retry of [
    { how: 'with its Idempotency-Key', window: '0s', headers: () => ({ 'idempotency-key': randomUUID() }) },
    { how: 'within the retry window', window: '10s', headers: () => ({}) },
  ]) {
    await t.test(`gets the identical pair by a retry ${retry.how}`, async (t) => {
      const { proxy, wire, refresh, first } = await behindProxy(t, { REFRESH_RETRY_WINDOW: retry.window });
      let pair = first;
      let identical = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const headers = retry.headers();
        proxy.loseAnswerTo(isRefresh);
        await t.rejects(refresh(pair, headers), RequestFailed);
        const lost = wire.lastBody();
        const answer = await refresh(pair, headers);
        if (answer.status !== 200) break;
        pair = pairOf(answer);
        if (pair.access === lost.access && pair.refresh === lost.refresh) identical += 1;
      }
      t.equal(identical, ROUNDS);
      t.comment(
        `lost answer, asked again ${retry.how}: ${ROUNDS} lost, ${identical} retries got the identical pair, ` +
          `${ROUNDS - identical} forced logouts`,
      );
    });
  }
});

t.test('a service that loses the answer of the database', async (t) => {
  if (!(await requirePostgres(t))) return;

  await t.test('reads the outcome and returns the pair', async (t) => {
    const { client, proxy, check } = await withProxiedDatabase(t, { DATABASE_POOL: '2' });
    for (let round = 0; round < ROUNDS; round += 1) {
      proxy.loseAnswerTo((bytes) => bytes.includes(client.tokenFamily));
      await client.rotate();
      await client.repeat();
    }
    await check();
    const { rotations, unknown, forcedLogouts } = totals([client]);
    t.equal(unknown, 0, 'answered at once');
    t.comment(
      `lost answer of the database, looked up: ${rotations} rotations, ${unknown} answered 503, ` +
        `${forcedLogouts} forced logouts`,
    );
  });

  await t.test('answers 503 if it cannot read the outcome', async (t) => {
    const { client, proxy, check } = await withProxiedDatabase(t, { DATABASE_POOL: '1' });
    for (let round = 0; round < 20; round += 1) {
      proxy.loseAnswerTo((bytes) => {
        const isOurs = bytes.includes(client.tokenFamily);
        if (isOurs) proxy.refuse(true);
        return isOurs;
      });
      const seen = client.history.length;
      const rotated = client.rotate();
      while (client.history.length === seen) await new Promise(setImmediate);
      t.match(client.history.at(-1), { outcome: 'unknown', why: '503 unavailable' });
      proxy.refuse(false);
      await rotated;
      await client.repeat();
    }
    await check();
    const { rotations, unknown, forcedLogouts } = totals([client]);
    const slowest = Math.max(...client.history.map(({ ms }) => ms));
    t.comment(
      `lost answer of the database, not to be looked up: ${rotations} rotations, ${unknown} answered 503, ` +
        `${forcedLogouts} forced logouts, slowest answer ${Math.round(slowest)} ms`,
    );
  });
});

/** Starts the service behind a proxy that can lose answers. `wire` records the answers of the service. */
async function behindProxy(t: Test, values: Readonly<Record<string, string>>) {
  const env = await environment(t, { DATABASE_URL: await testDatabase(t), ...values });
  const service = await start(t, env);
  const wire = await recordAnswers(t, { host: HOST, port: Number(new URL(service.url).port) });
  const proxy = await tcpProxy(t, { host: HOST, port: wire.port });
  const agent = createAgent(t, { keepAlive: false });
  const url = `http://${HOST}:${proxy.port}`;
  const login = await post(agent, new URL(`/auth/login?userId=${randomUUID()}`, url));
  const refresh = ({ refresh, access }: Pair, headers: Record<string, string>) =>
    post(agent, new URL('/auth/refresh', url), { refreshToken: refresh, accessToken: access }, headers);
  return { proxy, wire, refresh, first: pairOf(login) };
}

async function withProxiedDatabase(t: Test, values: Readonly<Record<string, string>>) {
  const database = await testDatabase(t);
  const sql = connectDirectly(t, database);
  const { proxy, url: through } = await proxyTo(t, database);
  const env = await environment(t, { DATABASE_URL: through, ...values });
  const service = await start(t, env);
  const client: Client = await openClient(service, createAgent(t, { keepAlive: true }));
  return {
    client,
    proxy,
    async check() {
      t.strictSame(await faultsIn([client], sql, env), []);
      const [row] = await sql`select count(*)::int as count from outbox where type <> 'sessions.started'`;
      t.equal(row?.count, 0, 'no event of reuse, healing or another device was recorded');
    },
  };
}

function pairOf({ body }: Answer): Pair {
  const pair = { access: String(body.access), refresh: String(body.refresh) };
  claimsOf(pair.refresh); // throws if the answer has no pair
  return pair;
}
