import { Redis } from 'ioredis';
import type { Test } from 'tap';
import { connect, type Sql } from '../../../src/adapters/postgres/connect.ts';
import { floodNames, MARKER } from '../../support/flood-names.ts';
import { testDatabase } from '../../support/postgres.ts';

/** How many different names of the maximum length are sent to each member in {@link PLACES}. */
const NAMES = 10_000;

const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';

/** Members of request bodies: one for each way in which a route handles a text that it does not know. */
const PLACES = [
  `POST /auth/login ${JSON_TYPE} username`,
  `POST /auth/register ${JSON_TYPE} username`,
  `POST /auth/register ${JSON_TYPE} email`,
  `POST /auth/password/forgot ${JSON_TYPE} email`,
  `POST /auth/email/verification ${JSON_TYPE} email`,
  `POST /auth/login/second-factor ${JSON_TYPE} challenge`,
  `POST /auth/login/passkey ${JSON_TYPE} challenge`,
  `POST /auth/refresh ${JSON_TYPE} refreshToken`,
  `POST /auth/factors/totp ${JSON_TYPE} label`,
  `POST /auth/password/reset ${FORM} token`,
  `POST /oauth/token ${FORM} client_id`,
  'POST /api/v1/login/ multipart/form-data username',
];

/** Bytes by which the memory of the service may grow after the first 2,000 names of each member. */
const GROWTH = 24 * 2 ** 20;
const MOST_NAMES_IN_HEAP = 32;
/** A password attempt makes two counts, for the name and for the network, and two windows of rate limits. */
const KEYS_OF_A_NAME = 4;
const LONGEST_KEY = 100;
/** Bytes of Redis for one key with its value and its expiry. */
const BYTES_OF_KEY = 512;
/**
 * Milliseconds. A count of wrong passwords is forgotten after a day, and no other key for unauthenticated clients lives
 * longer.
 */
const LONGEST_LIFE = 86_400_000;
/** Rows that may contain a name: at most one registration succeeds, since all valid ones have the same mail address. */
const ROWS_OF_ONE_ACCOUNT = 10;

/**
 * Sends the names to a service that counts attempts in memory, or in the Redis of `redisUrl`. Asserts that memory, rows
 * and keys stay bounded.
 */
export async function assertBoundedUnderNames(t: Test, redisUrl?: string): Promise<void> {
  const usedBefore = redisUrl === undefined ? 0 : (await readRedis(redisUrl)).bytes;
  const databaseUrl = await testDatabase(t);
  const { requests, bytes, kept } = await floodNames(t, {
    count: NAMES,
    places: PLACES,
    env: { DATABASE_URL: databaseUrl, ...(redisUrl !== undefined && { REDIS_URL: redisUrl }) },
  });
  const [first = 0] = bytes;
  const last = bytes.at(-1) ?? 0;
  t.comment(
    `${requests} requests, MiB in use: ${bytes.map((used) => (used / 2 ** 20).toFixed(1)).join(', ')}`,
  );
  t.equal(requests, NAMES * PLACES.length);
  t.ok(last - first < GROWTH, `${last - first} bytes more`);
  t.ok(kept <= MOST_NAMES_IN_HEAP, `${kept} of the names are in the heap`);

  const sql = connect({ kind: 'url', url: databaseUrl, pool: 1 });
  t.teardown(() => sql.end());
  const { rows, withName } = await countRows(sql);
  t.comment(`${rows} rows, ${withName} of them with a name`);
  t.ok(withName <= ROWS_OF_ONE_ACCOUNT, `${withName} rows contain a name`);
  t.ok(rows < NAMES, `${rows} rows`);
  if (redisUrl !== undefined) await assertBoundedKeys(t, redisUrl, requests, usedBefore);
}

/** The number of rows of all tables, and of the rows that contain a name. */
async function countRows(sql: Sql): Promise<{ readonly rows: number; readonly withName: number }> {
  const tables = await sql<
    { name: string }[]
  >`select tablename as name from pg_tables where schemaname = 'public'`;
  const parts = tables.map(
    ({ name }) =>
      `select count(*)::int as rows, count(*) filter (where t::text like '%${MARKER}%')::int as names from "${name}" t`,
  );
  const counts = await sql.unsafe<{ rows: number; names: number }[]>(parts.join(' union all '));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return { rows: sum(counts.map(({ rows }) => rows)), withName: sum(counts.map(({ names }) => names)) };
}

/** Asserts that the keys for unauthenticated clients contain no name, have a bounded size and expire. */
async function assertBoundedKeys(t: Test, url: string, requests: number, usedBefore: number): Promise<void> {
  const { keys, bytes } = await readRedis(url);
  const names = keys.map(({ key }) => key);
  const longest = Math.max(...names.map((key) => key.length));
  const latest = Math.max(...keys.map(({ expiresIn }) => expiresIn));
  const bytesOfKey = Math.round((bytes - usedBefore) / keys.length);
  t.comment(
    `${keys.length} keys in Redis of ${bytesOfKey} bytes each, the longest of ${longest} characters, ` +
      `the last one expires in ${(latest / 3_600_000).toFixed(1)} h`,
  );
  t.ok(keys.length > 0 && keys.length <= requests * KEYS_OF_A_NAME, `${keys.length} keys`);
  t.ok(longest <= LONGEST_KEY, `a key of ${longest} characters`);
  t.ok(bytesOfKey <= BYTES_OF_KEY, `${bytesOfKey} bytes for each key`);
  t.same(
    names.filter((key) => key.includes(MARKER)),
    [],
  );
  t.ok(latest <= LONGEST_LIFE, `a key lives for ${latest} ms`);
  t.same(
    keys.filter(({ expiresIn }) => expiresIn < 0),
    [],
    'every key expires',
  );
}

/** The keys with the milliseconds until they expire (-1 for a key that does not), and the bytes in use. */
async function readRedis(url: string) {
  const redis = new Redis(url);
  try {
    const [, bytes] = /^used_memory:(\d+)/m.exec(await redis.info('memory')) ?? [];
    const names = await redis.keys('*');
    const keys = await Promise.all(names.map(async (key) => ({ key, expiresIn: await redis.pttl(key) })));
    // PTTL returns -2 for a key that has expired since KEYS.
    return { bytes: Number(bytes), keys: keys.filter(({ expiresIn }) => expiresIn !== -2) };
  } finally {
    redis.disconnect();
  }
}
