import { randomUUID } from 'node:crypto';
import type { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { PASSWORD } from '../support/passwords.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { waitUntil } from '../support/wait-until.ts';
import { percentile } from './support/load.ts';
import { type Answer, ask, createAgent } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

/**
 * Tests that no request needs a second connection while it holds the only one. Such a request would wait until the
 * deadline of its statement, and fail.
 */

const CLIENTS = 200;
const NEW_PASSWORD = 'a yellow piano 43';

/** One attempt of a request: its route, the status of its answer, and its duration in milliseconds. */
interface Step {
  readonly route: string;
  readonly status: number;
  readonly ms: number;
}

t.test('200 clients are served over one connection to the database', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const env = await environment(t, {
    DATABASE_URL: url,
    DATABASE_POOL: '1',
    ARGON2_MEMORY: '1024',
    TRUST_PROXY: '127.0.0.1',
  });
  const service = await start(t, env);
  const agent = createAgent(t, { keepAlive: true });
  const sql = connectDirectly(t, url);
  const steps: Step[] = [];
  const started = performance.now();
  const lives = Promise.all(
    Array.from({ length: CLIENTS }, (_, index) => useAccount(t, { url: service.url, agent, index, steps })),
  );
  await cutRevocationFeed(service.logs, sql);
  const unexpected = (await lives).flat();
  const seconds = (performance.now() - started) / 1000;

  t.same(unexpected, [], 'every client got the expected answers');
  const [row] = await sql`select count(*)::int as users from users`;
  t.equal(row?.users, 0, 'every account was deleted');
  t.equal(
    countConnected(service.logs()),
    2,
    'the revocation feed connected at the start, and again under load',
  );
  const answered = steps.filter(({ status }) => status !== 503);
  const times = answered.map(({ ms }) => ms);
  t.comment(
    `one connection, ${CLIENTS} clients: ${answered.length} answered and ${steps.length - answered.length} sent ` +
      `away with 503 in ${seconds.toFixed(1)} s, p50 ${percentile(times, 0.5).toFixed(0)} ms, ` +
      `p99 ${percentile(times, 0.99).toFixed(0)} ms`,
  );
});

/** Ends the listening connection under load. The next subscription sends its probe over the pool. */
async function cutRevocationFeed(
  logs: () => string[],
  sql: ReturnType<typeof connectDirectly>,
): Promise<void> {
  await waitUntil(async () => {
    // Only the heartbeat of the listening connection sends this statement.
    const { count } = await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query = 'select 1'`;
    return count === 1;
  });
  await waitUntil(async () => countConnected(logs()) === 2);
}

function countConnected(lines: readonly string[]): number {
  return lines.filter((line) => line.includes('revocation feed connected')).length;
}

interface Client {
  readonly url: string;
  readonly agent: Agent;
  readonly index: number;
  readonly steps: Step[];
}

/**
 * Makes an account, uses routes that send several statements, and deletes the account. Returns the unexpected answers.
 */
async function useAccount(t: Test, client: Client): Promise<string[]> {
  const username = `user-${client.index}`;
  const unexpected: string[] = [];
  const send = async (
    method: string,
    path: string,
    wanted: readonly number[],
    body?: object,
    access = '',
  ) => {
    const answer = await untilAnswered(t, client, method, path, body, access);
    if (!wanted.includes(answer.status)) {
      unexpected.push(`${username}: ${method} ${path} ${answer.status} ${answer.body.code}`);
    }
    return answer;
  };
  const post = (path: string, wanted: readonly number[], body: object, access?: string) =>
    send('POST', path, wanted, body, access);

  // A registration may commit although its answer is 503. The second attempt is then answered 409.
  const account = { username, email: `${username}@example.com`, password: PASSWORD };
  await post('/auth/register', [201, 409], account);
  const logIn = () => post('/auth/login', [200], { username, password: PASSWORD });
  const [one, other] = [await logIn(), await logIn()];
  const next = await post('/auth/refresh', [200], pairOf(one));
  const access = String(next.body.access);
  await send('GET', '/auth/sessions', [200], undefined, access);
  await post('/auth/password/forgot', [202], { email: account.email });
  const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  await post('/auth/password', [204], change, access);
  await post('/auth/refresh', [401], pairOf(other));
  await send('GET', '/auth/me', [401], undefined, String(other.body.access));
  const last = await post('/auth/refresh', [200], pairOf(next));
  await send('DELETE', '/auth/me', [204], { password: NEW_PASSWORD }, String(last.body.access));
  await post('/auth/refresh', [401], pairOf(last));
  return unexpected;
}

/**
 * Repeats a request until it is not answered 503, with the same `Idempotency-Key`. Each wait is random, around
 * `Retry-After`.
 */
async function untilAnswered(
  t: Test,
  { url, agent, index, steps }: Client,
  method: string,
  path: string,
  body: object | undefined,
  access: string,
): Promise<Answer> {
  const headers = {
    'x-forwarded-for': `10.0.${index >> 8}.${index & 255}`,
    'idempotency-key': randomUUID(),
    ...(access !== '' && { authorization: `Bearer ${access}` }),
  };
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const since = performance.now();
    const answer = await ask(agent, method, new URL(path, url), body, headers);
    steps.push({ route: `${method} ${path}`, status: answer.status, ms: performance.now() - since });
    if (answer.status !== 503) return answer;
    if (!(Number(answer.retryAfter) > 0)) t.fail(`${path}: 503 without Retry-After`);
    await delay(Number(answer.retryAfter) * 1000 * (0.5 + Math.random()));
  }
  throw new Error(`${path} was never answered`);
}

function pairOf({ body }: Answer) {
  return { refreshToken: body.refresh, accessToken: body.access };
}
