// timeout: 900
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { logIn, logOut, type OpenedSession } from '../support/issuing-service.ts';
import { freePort } from '../support/ports.ts';
import { waitUntil } from '../support/wait-until.ts';
import { faultsIn, lossesIn } from './support/checks.ts';
import { type Client, openClient, type Target } from './support/client.ts';
import { startLoad, totals } from './support/load.ts';
import { type PatroniSettings, requirePatroni, startPatroniCluster } from './support/patroni.ts';
import { createAgent, post } from './support/request.ts';
import { environment, start } from './support/service.ts';

const CLIENTS = 16;

/** The longest pause of a client between two refreshes, in milliseconds. */
const PAUSE = 200;

/** Milliseconds of load before a fault. */
const BEFORE = 2_000;

/** Milliseconds for which the standby receives nothing before the crash. */
const BEHIND = 1_500;

/** Logins while the standby receives nothing. */
const LATE = 5;

/** Sessions that end before the crash of the asynchronous primary: half of them while the standby is behind. */
const ENDED = 10;

/** Milliseconds for which two primaries run: longer than the deadline of a statement. */
const TWO_PRIMARIES = 8_000;

/** Shorter than the defaults of Patroni: 30, 10 and 10 seconds. */
const SHORT = { ttl: 20, loop_wait: 5, retry_timeout: 5 };

t.test(
  'a synchronous Patroni cluster switches over and fails over, and nothing acknowledged is lost',
  async (t) => {
    if (!requirePatroni(t)) return;
    const { cluster, env, service, agent, clients } = await setUp(t, { synchronous_mode: true });
    const { one, two } = cluster;
    const load = startLoad(clients, { pause: PAUSE });
    await delay(BEFORE);

    const switched = performance.now();
    await cluster.switchOver(one, two);
    await everyClientRotates(clients);
    const switchover = answersSince(clients, switched);
    await cluster.waitForReplication(one);

    const ender = endSessions(service);
    await delay(BEFORE);
    const crashed = performance.now();
    await two.kill();
    const ended = await ender.stop();
    await everyClientRotates(clients);
    const crash = answersSince(clients, crashed);

    const returned = performance.now();
    await two.start();
    await cluster.waitForReplication(two);
    const rejoined = performance.now();
    await everyClientRotates(clients);
    const comeback = answersSince(clients, returned);
    await load.stop();

    const sql = one.connect();
    t.strictSame(await faultsIn(clients, sql, env), []);
    t.equal(totals(clients).forcedLogouts, 0);
    t.equal(
      (await sql`select 1 from outbox where type = 'sessions.healed'`).count,
      0,
      'no rotation was lost',
    );
    t.ok(ended.length > 0, 'sessions ended before the crash');
    t.equal(await countLive(sql, ended), 0, 'no ended session lives again');
    const refusals = await Promise.all(ended.map((session) => refresh(agent, service, session)));
    t.strictSame([...new Set(refusals)], ['401 session_revoked']);
    t.comment(
      `Patroni, synchronous: ${totals(clients).rotations} rotations, 0 lost, 0 logged out; ` +
        `switchover: ${switchover}; crash: ${crash}; return of the old primary, a standby again after ` +
        `${((rejoined - returned) / 1000).toFixed(1)} s: ${comeback}; ` +
        `of ${ended.length} sessions that ended before the crash, 0 live again`,
    );
  },
);

t.test(
  'an asynchronous Patroni cluster loses rotations at a crash, and each session that lost one heals',
  async (t) => {
    if (!requirePatroni(t)) return;
    const { cluster, env, service, agent, clients } = await setUp(t, {
      synchronous_mode: false,
      ...SHORT,
      maximum_lag_on_failover: 64 * 1024 * 1024,
    });
    const { one, two } = cluster;
    const onStandby = two.connect();
    const sessions = await Promise.all(Array.from({ length: ENDED }, () => logIn(service.url)));
    const load = startLoad(clients, { pause: PAUSE });
    await endAll(service, sessions.slice(ENDED / 2));
    await delay(BEFORE);

    one.line.pause();
    const late = await Promise.all(Array.from({ length: LATE }, () => openClient(service, agent)));
    await endAll(service, sessions.slice(0, ENDED / 2));
    await delay(BEHIND);
    const crashed = performance.now();
    await one.kill();
    const { lost } = await lossesIn(clients, onStandby);
    const rotations = await lostRotations(clients, onStandby);
    const live = await countLive(onStandby, sessions);
    await everyClientRotates(clients);
    const crash = answersSince(clients, crashed);
    const lostEnds = sessions.slice(0, ENDED / 2);
    const liveAfter = await countLive(onStandby, lostEnds);
    const refusals = await Promise.all(
      lostEnds.slice(0, 2).map((session) => refresh(agent, service, session)),
    );
    const restarted = await start(t, { ...env, API_PORT: String(await freePort()) });
    const answers = await Promise.all(lostEnds.slice(2).map((session) => refresh(agent, restarted, session)));
    await Promise.all(late.map((client) => client.rotate()));

    one.line.cut();
    one.line.resume();
    await one.start();
    await cluster.waitForReplication(one);
    await load.stop();

    const sql = two.connect();
    t.strictSame(await faultsIn(clients, sql, env), []);
    t.equal(totals(clients).forcedLogouts, 0);
    t.ok(lost > 0, 'acknowledged rotations were lost');
    const healed = await countHealed(sql);
    t.equal(healed, lost, 'each session that lost a rotation was healed');
    t.equal(live, ENDED / 2, 'the ends that the standby had not received are lost');
    t.strictSame([...new Set(late.map((client) => client.logoutReason()))], ['401 session_not_found']);
    t.comment(
      `Patroni, asynchronous: crash: ${crash}; of ${CLIENTS} sessions ${lost} had lost ${rotations} acknowledged ` +
        `rotations, ${healed} healed, 0 logged out; of ${LATE} logins that the standby had not received ` +
        `${late.length} have to log in again; of ${ENDED} sessions that ended before the crash ${live} live in the ` +
        `database again, ${liveAfter} of them after the fail-over: ` +
        `their refreshes got ${countEach(refusals)} from the running replica, and ${countEach(answers)} from a new one`,
    );
  },
);

t.test(
  'Patroni dies alone, and the old primary is stopped before Patroni returns: no rotation is lost',
  async (t) => {
    if (!requirePatroni(t)) return;
    const { healed, report } = await twoPrimaries(t, {}, ({ one }) => one.killPostgres());
    t.equal(healed, 0, 'no rotation was lost');
    t.comment(`${report}; the old primary was stopped first: ${healed} healed, 0 logged out`);
  },
);

t.test('Patroni dies alone and returns to the running old primary: no session is logged out', async (t) => {
  if (!requirePatroni(t)) return;
  const { healed, report } = await twoPrimaries(t, {});
  t.comment(`${report}; the old primary was not stopped: ${healed} healed, 0 logged out`);
});

t.test('Patroni dies alone and returns in strict mode: no rotation is lost', async (t) => {
  if (!requirePatroni(t)) return;
  const { healed, report } = await twoPrimaries(t, { synchronous_mode_strict: true });
  t.equal(healed, 0, 'no rotation was lost');
  t.comment(`${report}; strict, the old primary was not stopped: ${healed} healed, 0 logged out`);
});

/** Kills the Patroni of the primary. After the promotion of the standby, `prepare` runs before Patroni starts again. */
async function twoPrimaries(
  t: Test,
  settings: Partial<PatroniSettings>,
  prepare = async (_: Cluster): Promise<void> => {},
) {
  const { cluster, env, clients } = await setUp(t, { synchronous_mode: true, ...SHORT, ...settings });
  const { one, two } = cluster;
  const onNew = two.connect();
  const load = startLoad(clients, { pause: PAUSE });
  await delay(BEFORE);
  const killed = performance.now();
  await one.killPatroni();
  await waitUntil(() => isPrimary(onNew));
  const promoted = performance.now();
  await delay(200); // earlier acknowledgements may still be in transit
  const held = clients.map((client) => client.generation());
  await delay(TWO_PRIMARIES);
  t.ok(await isPrimary(one.connect()), 'the old primary accepts changes, too');
  t.strictSame(
    clients.map((client) => client.generation()),
    held,
    'nothing was answered with a pair',
  );
  const split = answersSince(clients, promoted);

  const returned = performance.now();
  await prepare(cluster);
  await one.start();
  await everyClientRotates(clients);
  await cluster.waitForReplication(one);
  await everyClientRotates(clients);
  const comeback = answersSince(clients, returned);
  await load.stop();

  t.strictSame(await faultsIn(clients, onNew, env), []);
  t.equal(totals(clients).forcedLogouts, 0);
  return {
    healed: await countHealed(onNew),
    report:
      `Patroni killed alone: the standby was promoted ${((promoted - killed) / 1000).toFixed(1)} s later; ` +
      `two primaries for ${TWO_PRIMARIES / 1000} s: ${split}; return: ${comeback}`,
  };
}

async function setUp(t: Test, settings: PatroniSettings) {
  const cluster = await startPatroniCluster(t, settings);
  const env = await environment(t, { DATABASE_URL: cluster.hosts });
  const service = await start(t, env);
  const agent = createAgent(t, { keepAlive: true });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(service, agent)));
  return { cluster, env, service, agent, clients };
}

async function everyClientRotates(clients: readonly Client[]): Promise<void> {
  const held = clients.map((client) => client.generation());
  await waitUntil(() => clients.every((client, index) => client.generation() > held[index]!));
}

/** Describes the answers to refreshes since this time, and the longest time without a success. */
function answersSince(clients: readonly Client[], since: number): string {
  const attempts = clients.flatMap(({ history }) => history).filter(({ at, ms }) => at + ms >= since);
  const count = (holds: (why: string) => boolean) =>
    attempts.filter((attempt) => attempt.outcome !== 'ok' && holds(attempt.why)).length;
  const successes = attempts.filter(({ outcome }) => outcome === 'ok').map(({ at, ms }) => at + ms);
  const times = [since, ...successes, performance.now()].sort((a, b) => a - b);
  const gap = Math.max(...times.slice(1).map((time, index) => time - times[index]!));
  const longest = Math.max(...attempts.map(({ ms }) => ms));
  return (
    `${successes.length} refreshes answered, ${count((why) => why === '503 unavailable')} answers 503, ` +
    `${count((why) => why !== '503 unavailable')} others, no success for ${(gap / 1000).toFixed(1)} s, ` +
    `longest wait ${(longest / 1000).toFixed(1)} s`
  );
}

/** Logs users in and out, one after another, until `stop`. It resolves with the sessions whose end was acknowledged. */
function endSessions(service: Target) {
  const ended: OpenedSession[] = [];
  let stopped = false;
  const ending = (async () => {
    while (!stopped) {
      try {
        const session = await logIn(service.url);
        await logOut(service.url, session);
        ended.push(session);
      } catch {
        return; // the database is down
      }
      await delay(50);
    }
  })();
  return {
    async stop(): Promise<readonly OpenedSession[]> {
      stopped = true;
      await ending;
      return ended;
    },
  };
}

async function endAll(service: Target, sessions: readonly OpenedSession[]): Promise<void> {
  await Promise.all(sessions.map((session) => logOut(service.url, session)));
}

async function refresh(
  agent: Parameters<typeof post>[0],
  service: Target,
  { refresh, access }: OpenedSession,
) {
  const body = { refreshToken: refresh, accessToken: access };
  const answer = await post(agent, new URL('/auth/refresh', service.url), body);
  return answer.status === 200 ? '200' : `${answer.status} ${String(answer.body.code)}`;
}

/** For example `5 times 200, 5 times 401 session_revoked`. */
function countEach(outcomes: readonly string[]): string {
  const count = (outcome: string) => outcomes.filter((it) => it === outcome).length;
  return [...new Set(outcomes)].map((outcome) => `${count(outcome)} times ${outcome}`).join(', ');
}

type Cluster = Awaited<ReturnType<typeof startPatroniCluster>>;

type Database = Parameters<typeof lossesIn>[1];

async function isPrimary(sql: Database): Promise<boolean> {
  const [row] = await sql<{ recovers: boolean }[]>`select pg_is_in_recovery() as recovers`;
  return row?.recovers === false;
}

/** The number of sessions that were healed. */
async function countHealed(sql: Database): Promise<number> {
  const rows = await sql`select distinct data->>'sessionId' from outbox where type = 'sessions.healed'`;
  return rows.count;
}

async function countLive(sql: Database, sessions: readonly OpenedSession[]): Promise<number> {
  const rows = await sql`
    select 1 from token_families
    where revoked_at is null and token_family in ${sql(sessions.map(({ sid }) => sid))}`;
  return rows.count;
}

/** The number of rotations that the clients hold and the database lacks. */
async function lostRotations(clients: readonly Client[], sql: Database): Promise<number> {
  const rows = await sql<{ id: string; generation: number }[]>`
    select token_family as id, generation from token_families
    where token_family in ${sql(clients.map(({ tokenFamily }) => tokenFamily))}`;
  const stored = new Map(rows.map(({ id, generation }) => [id, generation]));
  return clients.reduce((sum, client) => {
    const lacking = client.generation() - (stored.get(client.tokenFamily) ?? 0);
    return sum + Math.max(0, lacking);
  }, 0);
}
