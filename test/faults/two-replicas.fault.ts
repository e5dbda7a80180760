import { randomUUID } from 'node:crypto';
import type { Agent } from 'node:http';
import t, { type Test } from 'tap';
import { claimsOf } from '../support/forge.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { type Answer, createAgent, post } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

/**
 * Presents one token to two replicas, or to the workers of one service, at the same moment, repeatedly. A token must
 * never get two successors.
 */

const WORKERS = 3;

const STRICT_ROUNDS = 4_000;
const SESSIONS = 20;
const ROUNDS_EACH = 300;

interface Pair {
  readonly refreshToken: string;
  readonly accessToken: string;
}

t.test('one token at two replicas at once has one successor', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const one = await environment(t, { DATABASE_URL: url });
  const { API_PORT } = await environment(t);
  const services = await Promise.all([one, { ...one, API_PORT: `${API_PORT}` }].map((env) => start(t, env)));
  await raceBoth(t, 'two replicas', url, [services[0]!.url, services[1]!.url]);
});

t.test('one token at the workers of one service at once has one successor', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const service = await start(t, await environment(t, { DATABASE_URL: url, WORKERS: `${WORKERS}` }));
  await raceBoth(t, `${WORKERS} workers`, url, [service.url, service.url]);
  const lines = service
    .logs()
    .filter((line) => line.includes('"answered"') && line.includes('/auth/refresh'));
  const pids = new Set(lines.map((line) => (JSON.parse(line) as { pid: number }).pid));
  t.equal(pids.size, WORKERS, 'every worker answered');
});

/** The connections stay open, and each belongs to one worker. Two concurrent requests use two connections. */
async function raceBoth(t: Test, who: string, url: string, replicas: readonly string[]): Promise<void> {
  const both = { agent: createAgent(t, { keepAlive: true }), replicas };
  const sql = connectDirectly(t, url);

  await t.test('without an Idempotency-Key one answer has the successor, and the session ends', async (t) => {
    const races = await measure(() => raceWithoutKey(t, both));
    const [row] = await sql`
      select count(*)::int as sessions, count(*) filter (where revoked_reason = 'reuse')::int as ended,
        max(generation) as furthest from token_families`;
    t.same(
      row,
      { sessions: STRICT_ROUNDS, ended: STRICT_ROUNDS, furthest: 1 },
      'every session rotated once and ended',
    );
    const [events] = await sql`
      select count(*)::int as events, count(distinct data ->> 'sessionId')::int as sessions
      from outbox where kind = 'event' and type = 'sessions.reuse_detected'`;
    t.same(
      events,
      { events: STRICT_ROUNDS, sessions: STRICT_ROUNDS },
      'one event for each session that ended',
    );
    t.equal(races.result.forks, 0, 'no token has two successors');
    report(t, `${who}, without an Idempotency-Key`, STRICT_ROUNDS, races);
  });

  await t.test('with one Idempotency-Key both answers contain the same successor', async (t) => {
    const races = await measure(() => raceWithSameKey(t, both));
    const [row] = await sql`
      select count(*)::int as sessions, min(generation) as least, max(generation) as most
      from token_families where revoked_at is null`;
    t.same(row, { sessions: SESSIONS, least: ROUNDS_EACH, most: ROUNDS_EACH }, 'every race rotated once');
    t.equal(races.result.forks, 0, 'no token has two successors');
    report(t, `${who}, with one Idempotency-Key`, SESSIONS * ROUNDS_EACH, races);
  });
}

interface Both {
  readonly agent: Agent;
  readonly replicas: readonly string[];
}

/**
 * Without a key, one request is a replay of the other. One answer has the successor, and the session ends.
 */
async function raceWithoutKey(t: Test, both: Both) {
  let forks = 0;
  // All loops take their rounds from this iterator, so there are STRICT_ROUNDS rounds in all.
  const rounds = Array.from({ length: STRICT_ROUNDS }).keys();
  await Promise.all(
    Array.from({ length: SESSIONS }, async () => {
      for (const _ of rounds) {
        const answers = await atOnce(both, await logIn(both));
        if (successorsIn(answers) > 1) forks += 1;
        const outcomes = answers.map(({ status, body }) => `${status} ${body.code ?? 'a pair'}`).sort();
        if (outcomes.join() !== '200 a pair,401 token_reused') t.fail(outcomes.join());
      }
    }),
  );
  return { forks };
}

/** With the same key, both requests get the same pair, byte for byte, and the session continues. */
async function raceWithSameKey(t: Test, both: Both) {
  let forks = 0;
  await Promise.all(
    Array.from({ length: SESSIONS }, async () => {
      let pair = await logIn(both);
      for (let round = 0; round < ROUNDS_EACH; round += 1) {
        const answers = await atOnce(both, pair, { 'idempotency-key': randomUUID() });
        if (successorsIn(answers) > 1) forks += 1;
        const [first, second] = answers.map(({ status, body }) => [status, body.refresh, body.access].join());
        if (first !== second) t.fail(`${first} and ${second}`);
        const next = pairOf(answers[0]!);
        if (claimsOf(next.refreshToken).generation !== round + 1) t.fail('not the next generation');
        pair = next;
      }
    }),
  );
  return { forks };
}

function atOnce({ agent, replicas }: Both, pair: Pair, headers: Record<string, string> = {}) {
  return Promise.all(replicas.map((url) => post(agent, new URL('/auth/refresh', url), pair, headers)));
}

/** The number of different refresh tokens in the answers. */
function successorsIn(answers: readonly Answer[]): number {
  const given = answers.filter(({ status }) => status === 200);
  return new Set(given.map(({ body }) => claimsOf(String(body.refresh)).jti)).size;
}

async function logIn({ agent, replicas: [url] }: Both): Promise<Pair> {
  const answer = await post(agent, new URL(`/auth/login?userId=${randomUUID()}`, url));
  if (answer.status !== 200) throw new Error(`no login: ${JSON.stringify(answer)}`);
  return pairOf(answer);
}

function pairOf({ body }: Answer): Pair {
  return { refreshToken: String(body.refresh), accessToken: String(body.access) };
}

async function measure<T>(work: () => Promise<T>) {
  const started = performance.now();
  return { result: await work(), seconds: (performance.now() - started) / 1000 };
}

function report(
  t: Test,
  how: string,
  rounds: number,
  { result, seconds }: { result: { forks: number }; seconds: number },
): void {
  t.comment(`${how}: ${rounds} rounds in ${seconds.toFixed(0)} s, ${result.forks} forks`);
}
