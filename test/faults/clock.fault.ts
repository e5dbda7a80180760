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

t.test('clocks', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  await t.test('clocks that jump by an hour lose no session', (t) => jumping(t, stores));
  await t.test('a revoked session stays revoked after a jump', (t) => staysRevoked(t, stores));
  await t.test('an expired token is refused everywhere after the skew', (t) => staysExpired(t, stores));
  await t.test('refreshes tolerate at least the allowed skew', (t) => tolerated(t, stores));
});

type Replica = Awaited<ReturnType<typeof sessionUseCases>>;

async function replicas(stores: SqlStores, policy: NonNullable<Settings['policy']> = {}) {
  const shared = { stores, keys: someKeys(), policy };
  return [await sessionUseCases(shared), await sessionUseCases(shared)] as const;
}

async function jumping(t: Test, stores: SqlStores): Promise<void> {
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
      const again = await either(both).refresh(pair, { key });
      t.equal(again.refresh, next.refresh, 'a retry gets the same pair across a jump');
      families[index] = next;
      refreshes += 2;
    }
  }
  const [row] = await stores.sql`
    select count(*)::int as revoked from token_families where revoked_at is not null`;
  t.equal(row?.revoked, 0);
  t.comment(`clocks: ${jumps} jumps of up to an hour, ${refreshes} refreshes, ${row?.revoked} sessions lost`);
}

async function staysRevoked(t: Test, stores: SqlStores): Promise<void> {
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
async function staysExpired(t: Test, stores: SqlStores): Promise<void> {
  const limits = [
    { age: POLICY.refreshTokenAge, code: 'token_expired', policy: {} },
    { age: 10 * DAY, code: 'token_expired', policy: { sessionMaxAge: 10 * DAY } },
  ];
  for (const { age, code, policy } of limits) {
    const [ahead, behind] = await replicas(stores, policy);
    const pair = await ahead.logIn();
    ahead.time.now = NOW + age;
    behind.time.now = ahead.time.now - SKEW;
    t.equal(await outcome(ahead.refresh(pair)), code);
    for (const later of [SKEW, HOUR, 400 * DAY]) {
      behind.time.now = NOW + age + later - SKEW;
      t.match(await outcome(behind.refresh(pair)), /_expired$/, `${later} ms after ${code}`);
    }
  }
}

/** Searches the largest clock offset at which each operation that depends on the clock succeeds. */
async function tolerated(t: Test, stores: SqlStores): Promise<void> {
  const window = 10_000;
  const retry = async (offset: number) => {
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
  const rotation = async (offset: number) => {
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
    'a rotation': await range(rotation),
    'a retry with its key': await range(retryByKeyAt),
    'a retry in a window of 10 s': await range(retry),
    'healing after a loss': await range(healAt),
  };
  for (const [what, { behind, ahead }] of Object.entries(found)) {
    t.ok(behind >= SKEW && ahead >= SKEW, what);
    t.comment(`tolerated skew for ${what}: ${words(behind)} behind, ${words(ahead)} ahead`);
  }
}

const FAR = 20 * DAY;

async function range(holds: (offset: number) => Promise<boolean>) {
  return {
    behind: await furthest((offset) => holds(-offset)),
    ahead: await furthest(holds),
  };
}

/** The largest offset up to {@link FAR}, to the millisecond, at which `holds` returns true. */
async function furthest(holds: (offset: number) => Promise<boolean>): Promise<number> {
  if (await holds(FAR)) return FAR;
  let [good, bad] = [0, FAR];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (await holds(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

function words(milliseconds: number): string {
  return milliseconds === FAR ? 'more than 20 days' : `${milliseconds / 1000} s`;
}

function either([one, other]: readonly [Replica, Replica]): Replica {
  return randomInt(2) === 0 ? one : other;
}

function sessionOf(pair: TokenPair): [sessionId: string, userId: string] {
  const { tokenFamily, sub } = claimsOf(pair.refresh);
  return [String(tokenFamily), String(sub)];
}
