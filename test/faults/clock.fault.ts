import { randomInt, randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import type { TokenPair } from '../../src/app/tokens/mint-pair.ts';
import { NOW } from '../support/families.ts';
import { claimsOf } from '../support/forge.ts';
import { postgresStores, type SqlStores } from '../support/open-stores.ts';
import { outcome, POLICY, type Settings, sessionUseCases, someKeys } from '../support/sessions.ts';

/** Two replicas use one database. Their clocks differ and jump. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SKEW = POLICY.clockSkew;

t.test('two replicas tolerate clocks that differ and jump', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  await t.test('clocks that jump by an hour lose no session', (t) => assertJumpsLoseNoSession(t, stores));
  await t.test('a revoked session stays revoked after a jump', (t) => assertStaysRevoked(t, stores));
  await t.test('an expired token is refused everywhere after the skew', (t) => assertStaysExpired(t, stores));
  await t.test('refreshes tolerate at least the allowed skew', (t) => assertToleratedSkew(t, stores));
});

type Replica = Awaited<ReturnType<typeof sessionUseCases>>;

async function replicas(stores: SqlStores, policy: NonNullable<Settings['policy']> = {}) {
  const shared = { stores, keys: someKeys(), policy };
  return [await sessionUseCases(shared), await sessionUseCases(shared)] as const;
}

async function assertJumpsLoseNoSession(t: Test, stores: SqlStores): Promise<void> {
  const both = await replicas(stores);
  const families = await Promise.all(Array.from({ length: 20 }, () => both[0].logIn()));
  let refreshes = 0;
  let jumps = 0;
  for (let round = 0; round < 30; round += 1) {
    const now = NOW + randomInt(-1, 2) * HOUR;
    both[0].time.now = now;
    both[1].time.now = now + randomInt(-SKEW, SKEW + 1);
    jumps += 1;
    for (const [index, pair] of families.entries()) {
      const key = randomUUID();
      const next = await either(both).refresh(pair, { key });
      both[0].time.now += randomInt(-1, 2) * HOUR;
      jumps += 1;
      const again = await either(both).refresh(pair, { key });
      t.equal(again.refresh, next.refresh, 'a retry gets the same pair across a jump');
      families[index] = next;
      refreshes += 2;
    }
  }
  const [row] = await stores.sql`
    select count(*)::int as revoked from token_families where revoked_at is not null`;
  t.equal(row?.revoked, 0);
  t.comment(`clocks: ${jumps} jumps, ${refreshes} refreshes, ${row?.revoked} sessions lost`);
}

async function assertStaysRevoked(t: Test, stores: SqlStores): Promise<void> {
  const both = await replicas(stores);
  for (const jump of [-DAY, -HOUR, -SKEW, 0, SKEW, HOUR, DAY]) {
    const reused = await both[0].logIn();
    const current = await both[0].refresh(reused);
    t.equal(await outcome(both[0].refresh(reused)), 'token_reused');
    const ended = await both[0].logIn();
    await both[0].end(...sessionOf(ended), 'logout');
    for (const { time, refresh } of both) {
      time.now = NOW + jump;
      t.equal(await outcome(refresh(current)), 'session_revoked', `a jump of ${jump} ms`);
      t.equal(await outcome(refresh(ended)), 'session_revoked', `a jump of ${jump} ms`);
      time.now = NOW;
    }
  }
}

/** Once a replica has refused a token as expired, every other replica refuses it after the allowed skew. */
async function assertStaysExpired(t: Test, stores: SqlStores): Promise<void> {
  const limits = [
    { age: POLICY.refreshTokenAge, policy: {} },
    { age: 10 * DAY, policy: { sessionMaxAge: 10 * DAY } },
  ];
  for (const { age, policy } of limits) {
    const [ahead, behind] = await replicas(stores, policy);
    const pair = await ahead.logIn();
    ahead.time.now = NOW + age;
    behind.time.now = ahead.time.now - SKEW;
    t.equal(await outcome(ahead.refresh(pair)), 'token_expired');
    for (const later of [SKEW, HOUR, 400 * DAY]) {
      behind.time.now = NOW + age + later - SKEW;
      t.match(await outcome(behind.refresh(pair)), /_expired$/, `${later} ms after the end`);
    }
  }
}

/** Finds the largest clock offset at which each operation that depends on the clock succeeds. */
async function assertToleratedSkew(t: Test, stores: SqlStores): Promise<void> {
  const window = 10_000;
  const retryInWindowAt = async (offset: number) => {
    const [one, other] = await replicas(stores, { retryWindow: window });
    const pair = await one.logIn();
    await one.refresh(pair);
    other.time.now += offset;
    return typeof (await outcome(other.refresh(pair))) === 'object';
  };
  const retryByKeyAt = async (offset: number) => {
    const [one, other] = await replicas(stores);
    const pair = await one.logIn();
    await one.refresh(pair, { key: 'k' });
    other.time.now += offset;
    return typeof (await outcome(other.refresh(pair, { key: 'k' }))) === 'object';
  };
  const rotateAt = async (offset: number) => {
    const [one, other] = await replicas(stores);
    const pair = await one.logIn();
    other.time.now += offset;
    return typeof (await outcome(other.refresh(pair))) === 'object';
  };
  /** One replica rotates, the database loses the rotation, and the other replica gets the new token. */
  const healAt = async (offset: number) => {
    const [one, other] = await replicas(stores);
    const pair = await one.logIn();
    const [row] = await stores.sql`select * from token_families where token_family = ${sessionOf(pair)[0]}`;
    other.time.now += offset;
    const newer = await other.refresh(pair);
    await stores.sql`delete from token_families where token_family = ${row?.token_family}`;
    await stores.sql`insert into token_families ${stores.sql(row ?? {})}`;
    return typeof (await outcome(one.refresh(newer))) === 'object';
  };

  const found = {
    'a rotation': await findToleratedRange(rotateAt),
    'a retry with its key': await findToleratedRange(retryByKeyAt),
    'a retry in a window of 10 s': await findToleratedRange(retryInWindowAt),
    'healing after a loss': await findToleratedRange(healAt),
  };
  for (const [what, { behind, ahead }] of Object.entries(found)) {
    t.ok(behind >= SKEW && ahead >= SKEW, what);
    t.comment(`tolerated skew for ${what}: ${formatOffset(behind)} behind, ${formatOffset(ahead)} ahead`);
  }
}

const FAR = 20 * DAY;

async function findToleratedRange(holds: (offset: number) => Promise<boolean>) {
  return {
    behind: await findFurthestOffset((offset) => holds(-offset)),
    ahead: await findFurthestOffset(holds),
  };
}

/** The largest offset up to {@link FAR}, to the millisecond, at which `holds` returns true. */
async function findFurthestOffset(holds: (offset: number) => Promise<boolean>): Promise<number> {
  if (await holds(FAR)) return FAR;
  let [good, bad] = [0, FAR];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (await holds(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

function formatOffset(milliseconds: number): string {
  return milliseconds === FAR ? 'more than 20 days' : `${milliseconds / 1000} s`;
}

function either([one, other]: readonly [Replica, Replica]): Replica {
  return randomInt(2) === 0 ? one : other;
}

function sessionOf(pair: TokenPair): [sessionId: string, userId: string] {
  const { tokenFamily, sub } = claimsOf(pair.refresh);
  return [String(tokenFamily), String(sub)];
}
