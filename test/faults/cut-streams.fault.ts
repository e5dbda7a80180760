import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { logIn, logOut, type OpenedSession } from '../support/issuing-service.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { openClient } from './support/client.ts';
import { percentile, startLoad, totals } from './support/load.ts';
import { createAgent } from './support/request.ts';
import {
  FOR_RESOURCE_SERVERS,
  isAccepted,
  startResourceServer,
  waitForRefusal,
} from './support/resource-server.ts';
import { environment, start } from './support/service.ts';

/** Resource servers refuse ended sessions although their streams of revocations are cut again and again. */

const SESSIONS = 1_000;
const RESOURCE_SERVERS = 4;
const REFRESHING_CLIENTS = 12;
/** Sessions that end at the same time. */
const AT_ONCE = 8;

t.test('a session that ended is refused at every resource server while streams are cut', async (t) => {
  if (!(await requirePostgres(t))) return;
  const replicas = await startReplicas(t);
  const servers = await Promise.all(
    Array.from({ length: RESOURCE_SERVERS }, (_, index) =>
      startResourceServer(t, replicas[index % replicas.length] ?? ''),
    ),
  );
  const agent = createAgent(t, { keepAlive: true });
  const clients = await Promise.all(
    Array.from({ length: REFRESHING_CLIENTS }, (_, index) =>
      openClient({ url: replicas[index % replicas.length] ?? '' }, agent),
    ),
  );
  // Each resource server fetches the keys before the cuts. Without keys, a resource server refuses every token.
  const { authorization } = await logIn(replicas[0] ?? '');
  for (const { verifier } of servers) await verifier.verify(authorization);
  const load = startLoad(clients);
  const cutting = cutAtRandom(servers.map(({ proxy }) => proxy));
  t.teardown(() => Promise.all([load.stop(), cutting.stop()])); // also after a failure

  const delays: number[] = [];
  const ended: OpenedSession[] = [];
  const endSome = async () => {
    while (ended.length < SESSIONS) {
      const [one = '', other = ''] = randomInt(2) === 0 ? replicas : replicas.toReversed();
      const session = await logIn(one);
      ended.push(session);
      for (const { verifier } of servers) await verifier.verify(session.authorization);
      await logOut(other, session);
      const acknowledged = performance.now();
      await Promise.all(
        servers.map(async (server) => {
          await waitForRefusal(server, session);
          delays.push(performance.now() - acknowledged);
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, endSome));
  const cuts = await cutting.stop();
  await load.stop();

  let accepted = 0;
  for (const { verifier } of servers)
    for (const { authorization } of ended) if (await isAccepted(verifier, authorization)) accepted += 1;
  t.equal(accepted, 0, 'no ended session is accepted afterwards');
  t.equal(totals(clients).forcedLogouts, 0, 'sessions that were not ended continue');
  for (const { verifier } of servers)
    t.ok(
      await isAccepted(verifier, (await logIn(replicas[0] ?? '')).authorization),
      'a live session is accepted',
    );
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(delays, share).toFixed(1));
  t.comment(
    `${ended.length} sessions ended, ${cuts} cuts, ${servers.length} resource servers, ${totals(clients).rotations} ` +
      `rotations beside them: from the acknowledged end to the refusal at each p50 ${p50} ms, p99 ${p99} ms, ` +
      `max ${max} ms; ${accepted} accepted afterwards`,
  );
});

/** Two replicas on one database. Resolves with their URLs. */
async function startReplicas(t: Test): Promise<string[]> {
  const env = await environment(t, {
    DATABASE_URL: await testDatabase(t),
    ...FOR_RESOURCE_SERVERS,
  });
  const { API_PORT = '' } = await environment(t);
  const one = await start(t, env);
  const other = await start(t, { ...env, API_PORT });
  return [one.url, other.url];
}

/** Cuts the connections of a random proxy, with random pauses, until `stop`. */
function cutAtRandom(proxies: readonly TcpProxy[]) {
  const stopping = new AbortController();
  const running = (async () => {
    let cuts = 0;
    for (; !stopping.signal.aborted; cuts += 1) {
      await delay(randomInt(50, 500));
      proxies[randomInt(proxies.length)]?.cut();
    }
    return cuts;
  })();
  return {
    async stop(): Promise<number> {
      stopping.abort();
      return running;
    },
  };
}
