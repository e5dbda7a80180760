import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { Sql } from '../../src/adapters/postgres/connect.ts';
import { scrape } from '../support/exposition.ts';
import { claimsOf } from '../support/forge.ts';
import { requirePrivatePostgres, startPrivatePostgres } from '../support/private-postgres.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { faultsIn, lossesIn } from './support/checks.ts';
import { type Client, openClient } from './support/client.ts';
import { percentile, startLoad, totals } from './support/load.ts';
import { type Answer, createAgent, post } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

const CLIENTS = 32;
/** Milliseconds between two logins. A login does not wait for the answer to the previous one. */
const LOGIN_INTERVAL = 50;
const LOCKED = 6_000;
const DELAYED = 4_000;
const DELAY = 200;
/** The deadline of every request. */
const ANSWERED_WITHIN = 20_000;
const RECOVERS_WITHIN = 15_000;

t.test('a locked or slow database loses nothing, and load is shed while a table is locked', async (t) => {
  if (!requirePrivatePostgres(t)) return;
  const cluster = await startPrivatePostgres(t);
  const proxy = await tcpProxy(t, { host: '127.0.0.1', port: cluster.port });
  const url = cluster.url.replace(`:${cluster.port}/`, `:${proxy.port}/`);
  const env = await environment(t, { DATABASE_URL: url });
  const service = await start(t, env);
  const sql = connectDirectly(t, cluster.url);
  const agent = createAgent(t, { keepAlive: true });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(service, agent)));
  const load = startLoad(clients, { pause: 100 });
  const logins = startLogins((query) => post(agent, new URL(`/auth/login?${query}`, service.url)));
  const readMetrics = async () => {
    const series = await scrape(`${service.url}/metrics`);
    return {
      count: series.get('kinship_shed_requests_total{reason="database"}') ?? Number.NaN,
      lag: series.get('nodejs_eventloop_lag_p99_seconds') ?? Number.NaN,
    };
  };

  await delay(2_000);
  const before = { ...(await readMetrics()), asked: logins.answers.length };
  await sql.begin(async (tx) => {
    await tx`lock table token_families in access exclusive mode`;
    await delay(LOCKED);
    t.equal((await fetch(new URL('/health/live', service.url))).status, 200);
  });
  const after = await readMetrics();
  await waitForRecovery(clients);
  const locked = logins.answers.slice(before.asked);

  proxy.delayMs = DELAY;
  await delay(DELAYED);
  proxy.delayMs = 0;
  const recovered = await waitForRecovery(clients);
  await Promise.all([load.stop(), logins.stop()]);

  t.equal(before.count, 0, 'no load is shed before the fault');
  t.ok(after.count > 0, 'requests are shed while the table is locked');
  t.strictSame([...new Set(logins.answers.map(({ outcome }) => outcome))].sort(), ['200', '503 unavailable']);
  t.strictSame(await faultsIn(clients, sql, env), []);
  t.equal((await lossesIn(clients, sql)).lost, 0);
  t.equal(totals(clients).forcedLogouts, 0);
  t.equal(await countMissing(logins, sql), 0, 'the database has every acknowledged login');
  const times = [...logins.answers, ...clients.flatMap(({ history }) => history)].map(({ ms }) => ms);
  const longest = Math.max(...times);
  t.ok(longest < ANSWERED_WITHIN, `${longest} ms`);
  const refused = locked.filter(({ outcome }) => outcome !== '200');
  t.comment(
    `slow database: ${refused.length} of ${locked.length} logins answered 503 while locked, half of them within ` +
      `${percentile(msOf(refused), 0.5).toFixed(0)} ms; ${after.count} requests shed; longest answer ` +
      `${(longest / 1000).toFixed(1)} s; every session served again ${(recovered / 1000).toFixed(1)} s after the ` +
      `end; event-loop delay p99 ${(after.lag * 1000).toFixed(0)} ms; lost 0`,
  );
});

interface LoginAnswer {
  /** `200`, or the status and the code. */
  readonly outcome: string;
  readonly ms: number;
  readonly tokenFamily: string | null;
}

const msOf = (answers: readonly LoginAnswer[]) => answers.map(({ ms }) => ms);

/** Logs in a new user at regular intervals until `stop`. */
function startLogins(logIn: (query: URLSearchParams) => Promise<Answer>) {
  const answers: LoginAnswer[] = [];
  const underWay: Promise<void>[] = [];
  const timer = setInterval(() => underWay.push(logInOnce()), LOGIN_INTERVAL);

  async function logInOnce(): Promise<void> {
    const started = performance.now();
    const { status, retryAfter, body } = await logIn(new URLSearchParams({ userId: randomUUID() }));
    const ms = performance.now() - started;
    const documented = status !== 503 || Number(retryAfter) > 0;
    const outcome = status === 200 ? '200' : `${status} ${documented ? body.code : 'without Retry-After'}`;
    const tokenFamily = status === 200 ? String(claimsOf(String(body.refresh)).tokenFamily) : null;
    answers.push({ outcome, ms, tokenFamily });
  }

  return {
    answers,
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
    },
  };
}

async function countMissing({ answers }: { answers: readonly LoginAnswer[] }, sql: Sql): Promise<number> {
  const opened = answers.flatMap(({ tokenFamily }) => tokenFamily ?? []);
  const rows = await sql`select 1 from token_families where token_family in ${sql(opened)}`;
  return opened.length - rows.length;
}

/** Milliseconds until every client has its next pair. */
async function waitForRecovery(clients: readonly Client[]): Promise<number> {
  const held = clients.map((client) => client.generation());
  const since = performance.now();
  while (!clients.every((client, index) => client.generation() > (held[index] ?? 0))) {
    if (performance.now() - since > RECOVERS_WITHIN) throw new Error(`not within ${RECOVERS_WITHIN} ms`);
    await delay(20);
  }
  return performance.now() - since;
}
