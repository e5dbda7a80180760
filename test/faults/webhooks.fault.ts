import { randomUUID } from 'node:crypto';
import type { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type postgres from 'postgres';
import t from 'tap';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { waitUntil } from '../support/wait-until.ts';
import { faultsIn } from './support/checks.ts';
import { type Client, openClient } from './support/client.ts';
import { type Arrival, type FailingEndpoint, startFailingEndpoints } from './support/failing-endpoints.ts';
import { percentile, startLoad, totals } from './support/load.ts';
import { ask, createAgent, post, RequestFailed } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

/** Four endpoints of webhooks fail, each in its own way, and the service is killed. The fifth gets every event. */

const EVENTS = 1_000;
/** How many logins run at the same time, and the milliseconds between two logins. Each login records one event. */
const LOGINS = { atOnce: 4, pause: 25 };
const KEY = 'correct-horse-battery-staple-2026';

t.test(
  'an endpoint that answers gets each event, and endpoints that fail get each event later',
  async (t) => {
    if (!(await requirePostgres(t))) return;
    const url = await testDatabase(t);
    const sql = connectDirectly(t, url);
    const env = await environment(t, {
      DATABASE_URL: url,
      SERVICE_API_KEYS: `operator:admin:${KEY}`,
      WEBHOOKS_ALLOW_PRIVATE: '127.0.0.1',
    });
    const service = await start(t, env);
    const agent = createAgent(t, { keepAlive: true });
    const clients = await Promise.all(Array.from({ length: 8 }, () => openClient(service, agent)));
    const load = startLoad(clients);
    const logIn = (count: number) => openSessions(service.url, agent, count);

    await logIn(100); // Warm-up: compilation must not count in the figures.
    const p99Without = await refreshP99During(clients, () => logIn(EVENTS * 0.6));
    const { well, ...failing } = await startFailingEndpoints(t);
    const endpoints = [well, ...Object.values(failing)];
    const sessionsBefore = await sessionIds(sql);
    const ids = await addEndpoints(service.url, agent, endpoints);

    const p99With = await refreshP99During(clients, () => logIn(EVENTS * 0.6));
    const lastLogins = logIn(EVENTS * 0.4);
    await waitUntil(() => well.arrivals.length > EVENTS * 0.75);
    await service.kill();
    const beforeKill = well.arrivals.length;
    const interrupted = await claimedEvents(sql, ids.get(well));
    const again = await start(t, env);
    const restarted = performance.now();
    await lastLogins;
    const events = difference(await sessionIds(sql), sessionsBefore);
    await waitUntil(() => sessionsIn(well.arrivals).size >= events.size);
    const secondsToAll = (performance.now() - restarted) / 1000;
    const slowHad = sessionsIn(failing.slow.arrivals).size;
    await load.stop();

    t.ok(events.size >= EVENTS, 'at least 1,000 events');
    t.same(sessionsIn(well.arrivals), events, 'the endpoint without a fault got each event');
    const repeated = repeatedEvents(well.arrivals);
    t.same(
      difference(repeated, interrupted),
      new Set(),
      'an event arrives twice only if the kill came before the record',
    );
    t.ok(slowHad < events.size, 'the slow endpoint was behind meanwhile');
    t.equal(totals(clients).forcedLogouts, 0);
    t.strictSame(await faultsIn(clients, sql, env), []);

    for (const endpoint of endpoints) await endpoint.mend();
    await waitUntil(async () => {
      await endWaits(sql);
      return (await deliveriesInState(sql, 'pending')) === 0;
    });
    t.equal(
      await deliveriesInState(sql, 'delivered'),
      5 * events.size,
      'each event was accepted by each endpoint',
    );
    for (const { name, arrivals } of endpoints)
      t.same(sessionsIn(arrivals), events, `none is lost for ${name}`);
    t.equal(await again.stop(), 0);

    const delays = well.arrivals.map(({ at, body }) => (at - Date.parse(JSON.parse(body).time)) / 1000);
    const undisturbed = delays.slice(0, beforeKill);
    const [p50, p99] = [0.5, 0.99].map((share) => percentile(undisturbed, share).toFixed(1));
    t.comment(
      `${events.size} events to five endpoints, four of which fail; service killed once: the well one has all ` +
        `${secondsToAll.toFixed(1)} s after the restart, ${repeated.size} of them twice (${interrupted.size} were under ` +
        `way at the kill); from event to arrival p50 ${p50} s and p99 ${p99} s before the kill, max ` +
        `${Math.max(...delays).toFixed(1)} s over it; the slow one had ${slowHad}; ` +
        `none lost. Refresh p99 ${p99Without} ms without endpoints, ${p99With} ms with them`,
    );
  },
);

/** Opens sessions until `count` logins were acknowledged. */
async function openSessions(url: string, agent: Agent, count: number): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      if (!(await logInOnce(url, agent))) left += 1;
      await delay(LOGINS.pause);
    }
  };
  await Promise.all(Array.from({ length: LOGINS.atOnce }, worker));
}

/** False if there was no answer, because the service is down. */
async function logInOnce(url: string, agent: Agent): Promise<boolean> {
  try {
    const { status } = await post(agent, new URL(`/auth/login?userId=${randomUUID()}`, url));
    if (status !== 200) throw new Error(`a login was answered ${status}`);
    return true;
  } catch (error) {
    if (error instanceof RequestFailed) return false;
    throw error;
  }
}

/** The 99th percentile of the refreshes meanwhile, in milliseconds. */
async function refreshP99During(clients: readonly Client[], work: () => Promise<void>): Promise<string> {
  const seen = clients.map(({ history }) => history.length);
  await work();
  const times = clients.flatMap(({ history }, index) => history.slice(seen[index]).map(({ ms }) => ms));
  return percentile(times, 0.99).toFixed(0);
}

/** Adds the endpoints. Returns the id of each. */
async function addEndpoints(
  url: string,
  agent: Agent,
  endpoints: readonly FailingEndpoint[],
): Promise<Map<FailingEndpoint, string>> {
  const ids = new Map<FailingEndpoint, string>();
  for (const endpoint of endpoints) {
    const wanted = { url: endpoint.url, types: ['sessions.started'] };
    const answer = await ask(agent, 'POST', new URL('/admin/webhooks', url), wanted, { 'x-api-key': KEY });
    if (answer.status !== 201) throw new Error(`no endpoint: ${JSON.stringify(answer)}`);
    ids.set(endpoint, String(answer.body.id));
  }
  return ids;
}

async function sessionIds(sql: postgres.Sql): Promise<Set<string>> {
  const rows = await sql<{ id: string }[]>`select token_family as id from token_families`;
  return new Set(rows.map(({ id }) => id));
}

function difference(all: ReadonlySet<string>, some: ReadonlySet<string>): Set<string> {
  return new Set([...all].filter((id) => !some.has(id)));
}

/** The sessions whose events arrived. */
function sessionsIn(arrivals: readonly Arrival[]): Set<string> {
  return new Set(arrivals.map(({ body }) => JSON.parse(body).data.sessionId));
}

/** The ids of events that arrived more than once. */
function repeatedEvents(arrivals: readonly Arrival[]): Set<string> {
  const seen = new Set<string>();
  return new Set(arrivals.map(({ eventId }) => eventId).filter((id) => seen.size === seen.add(id).size));
}

/** The events that were claimed for an attempt to this endpoint and have no recorded result. */
async function claimedEvents(sql: postgres.Sql, endpointId = ''): Promise<Set<string>> {
  const rows = await sql<{ id: string }[]>`
    select event_id as id from webhook_deliveries
    where endpoint_id = ${endpointId} and state = 'pending' and attempts > 0`;
  return new Set(rows.map(({ id }) => id));
}

/** Ends the waits for the next attempts, so that the test does not last for hours. */
async function endWaits(sql: postgres.Sql): Promise<void> {
  await sql`update webhook_deliveries set due_at = now() where state = 'pending' and due_at > now() + interval '20 s'`;
}

async function deliveriesInState(sql: postgres.Sql, state: string): Promise<number> {
  const [row] = await sql`select count(*)::int as count from webhook_deliveries where state = ${state}`;
  return row?.count;
}
