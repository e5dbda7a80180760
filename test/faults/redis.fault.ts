import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { claimsOf } from '../support/forge.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { type PrivateRedis, requirePrivateRedis, startPrivateRedis } from '../support/redis.ts';
import { taskClient } from '../support/task-api.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type Environment, environment, start } from './support/service.ts';

const LIMIT = 100;
const WRITES = 8;
const LIST = '/api/v1/tasks/';
const BACK = 'attempts are counted by all replicas together again';

interface Fault {
  readonly begin: (redis: PrivateRedis) => unknown;
  /** Ends the fault. Absent for a fault that only empties Redis. */
  readonly end?: (redis: PrivateRedis) => unknown;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  killed: { begin: (redis) => redis.kill(), end: (redis) => redis.start() },
  frozen: { begin: (redis) => redis.freeze(), end: (redis) => redis.thaw() },
  flushed: { begin: (redis) => withConnection(redis, (connection) => connection.flushall()) },
};

t.test('two replicas serve and limit requests without the Redis that they share', async (t) => {
  if (!(await requirePostgres(t)) || !requirePrivateRedis(t)) return;
  const redis = await startPrivateRedis(t);
  const shared = { DATABASE_URL: await testDatabase(t), REDIS_URL: redis.url, RATE_LIMIT: String(LIMIT) };
  const env = await environment(t, shared);
  const { API_PORT = '' } = await environment(t);
  const replicas = [await replicaOf(t, env), await replicaOf(t, { ...env, API_PORT })] as const;
  for (const [name, fault] of Object.entries(FAULTS)) {
    await t.test(`no request fails although Redis is ${name}`, (t) =>
      runFault(t, name, fault, { redis, replicas }),
    );
  }
});

type Replica = Awaited<ReturnType<typeof replicaOf>>;
type Replicas = readonly [Replica, Replica];

async function replicaOf(t: Test, env: Environment) {
  const service = await start(t, env);
  return {
    client: taskClient(service.url),
    /** How often this replica has logged that it uses Redis again. */
    recoveries: () => service.logs().filter((line) => line.includes(BACK)).length,
  };
}

async function runFault(
  t: Test,
  name: string,
  { begin, end }: Fault,
  { redis, replicas }: { readonly redis: PrivateRedis; readonly replicas: Replicas },
): Promise<void> {
  const [one, other] = replicas;
  const author = await authorAt(t, replicas, `author-${name}`);
  const greedy = await one.client.registerAndLogIn(`greedy-${name}`);
  await author.writeAndRead('before');
  await waitUntil(async () => {
    const kept = await withConnection(redis, (connection) => connection.get(`kinship:tasks:${author.id}`));
    return kept?.includes(author.text()) === true;
  });
  const before = await countServed(one, greedy.token, LIMIT / 2);
  const recoveries = replicas.map((replica) => replica.recoveries());

  await begin(redis);
  await author.writeAndRead('meanwhile');
  const meanwhile = [
    await countServed(one, greedy.token, 2 * LIMIT),
    await countServed(other, greedy.token, 2 * LIMIT),
  ];
  const extra = [before, ...meanwhile].reduce((sum, count) => sum + count) - LIMIT;
  t.equal(before, LIMIT / 2);
  t.ok(extra <= LIMIT, `each replica limits by itself: ${[before, ...meanwhile]}`);

  await end?.(redis);
  await author.writeAndRead('afterwards');
  const later = await one.client.registerAndLogIn(`later-${name}`);
  if (end !== undefined) {
    await waitUntil(async () => {
      for (const { client } of replicas) await client.ask('GET', LIST);
      return replicas.every((replica, at) => replica.recoveries() > (recoveries[at] ?? 0));
    });
  }
  const together = [
    await countServed(one, later.token, LIMIT / 2),
    await countServed(other, later.token, LIMIT),
  ];
  t.same(together, [LIMIT / 2, LIMIT / 2], 'counted together again');
  t.comment(
    `redis ${name}: ${author.count()} writes and reads, 0 failed, 0 stale lists, slowest ${author.slowest()} ms, ` +
      `${extra} requests let through beyond a limit of ${LIMIT} by two replicas`,
  );
}

/** A user who changes a task, and then reads the list of tasks at both replicas. */
async function authorAt(t: Test, [one, other]: Replicas, name: string) {
  const { token, access, ask } = await one.client.registerAndLogIn(name);
  const { body } = await ask('POST', LIST, { text: 'first' });
  const path = `${LIST}${(body as { id: number }).id}/`;
  const times: number[] = [];
  let text = 'first';

  async function askTimed({ client }: Replica, method: string, at: string, members?: object) {
    const started = performance.now();
    const answer = await client.ask(method, at, members, { token });
    times.push(performance.now() - started);
    return answer;
  }

  return {
    id: String(claimsOf(access).sub),
    text: () => text,
    count: () => times.length,
    slowest: () => Math.round(Math.max(...times)),
    async writeAndRead(when: string): Promise<void> {
      for (let n = 0; n < WRITES; n += 1) {
        text = `${when} ${n}`;
        t.equal((await askTimed(one, 'PATCH', path, { text })).status, 200);
        for (const replica of [one, other]) {
          t.match(await askTimed(replica, 'GET', LIST), { status: 200, body: [{ text }] }, text);
        }
      }
    },
  };
}

/** Sends requests one after another, and returns how many are served. All others must be answered 429. */
async function countServed({ client }: Replica, token: string, requests: number): Promise<number> {
  let count = 0;
  for (let n = 0; n < requests; n += 1) {
    const { status } = await client.ask('GET', LIST, undefined, { token });
    if (status === 200) count += 1;
    else if (status !== 429) throw new Error(`neither served nor limited: ${status}`);
  }
  return count;
}

async function withConnection<T>({ url }: PrivateRedis, use: (connection: Redis) => Promise<T>): Promise<T> {
  const connection = new Redis(url);
  return use(connection).finally(() => connection.disconnect());
}
