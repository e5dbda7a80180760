import t, { type Test } from 'tap';
import { connect, type Sql } from '../../src/adapters/postgres/connect.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { pollRevocations } from '../../src/adapters/postgres/polling.ts';
import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import { NOW, someFamily } from '../support/families.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { waitUntil } from '../support/wait-until.ts';

/** The revocation feed of replicas behind a pooler in transaction mode. */

const MAX_AGE = 900_000;
const CLOCK_SKEW = 60_000;
/** Longer than any of these tests. */
const NEVER = 3_600_000;

t.test('the polling feed', async (t) => {
  if (!(await requirePostgres(t))) return;

  await t.test('receives a revocation that commits 30 s after its revoked_at', async (t) => {
    const { sql, feed, open, revoke } = await setUp(t);
    const tokenFamily = await open();
    const { received, waitForPolls } = feed({ fullRead: NEVER });
    await sql.begin(async (tx) => {
      await revoke(tx as unknown as Sql, tokenFamily, NOW - 30_000); // a store accepts pools only
      await waitForPolls(3);
      t.notOk(received.has(tokenFamily), 'not before the commit');
    });
    await waitUntil(() => received.has(tokenFamily));
  });

  await t.test(
    'receives a late revocation of a replica whose clock is behind by the clock skew',
    async (t) => {
      const { sql, feed, open, revoke } = await setUp(t);
      const tokenFamily = await open();
      const { received, waitForPolls } = feed({ fullRead: NEVER });
      await waitForPolls(2);
      await revoke(sql, tokenFamily, NOW - CLOCK_SKEW - 30_000);
      await waitForPolls(5);
      t.ok(received.has(tokenFamily));
    },
  );

  await t.test('reads all revocations within the maximum age again', async (t) => {
    const { sql, feed, open, revoke } = await setUp(t);
    const tokenFamily = await open();
    const often = feed({ fullRead: 20 });
    const once = feed({ fullRead: NEVER });
    await Promise.all([often.waitForPolls(2), once.waitForPolls(2)]);
    await revoke(sql, tokenFamily, NOW - MAX_AGE + 1_000);
    await waitUntil(() => often.received.has(tokenFamily));
    await once.waitForPolls(5);
    t.notOk(once.received.has(tokenFamily), 'the overlap is shorter');
    t.same(often.calls, ['complete'], 'complete is reported once');
  });

  await t.test('is lost at once when a poll fails, and complete after the next full read', async (t) => {
    const { sql, feed, open, revoke } = await setUp(t);
    const tokenFamily = await open();
    const lost = feed({ fullRead: NEVER });
    await lost.waitForPolls(2);
    await sql`alter table token_families rename to token_families_away`;
    t.match(await lost.ended, { code: '42P01' });
    t.same(lost.calls, ['complete', 'lost']);
    await sql`alter table token_families_away rename to token_families`;
    await revoke(sql, tokenFamily, NOW - MAX_AGE + 1_000);
    const next = feed({ fullRead: NEVER });
    await next.waitForPolls(1);
    t.same(next.calls, ['complete']);
    t.ok(next.received.has(tokenFamily), 'a revocation during the gap is known');
  });

  await t.test('is lost when it is stopped', async (t) => {
    const { feed } = await setUp(t);
    const { waitForPolls, stop, ended, calls } = feed({ fullRead: NEVER });
    await waitForPolls(1);
    stop();
    await ended;
    t.same(calls, ['complete', 'lost']);
  });
});

async function setUp(t: Test) {
  const sql = connect({ kind: 'url', url: await testDatabase(t), pool: 3 });
  const stopping = new AbortController();
  const running: Promise<unknown>[] = [];
  t.teardown(async () => {
    stopping.abort();
    await Promise.all(running);
    await sql.end({ timeout: 1 });
  });
  await migrate(sql);
  const families = (on: Sql) => createTokenFamilies(on, { sessionsPerUser: 50 });

  return {
    sql,
    async open(): Promise<string> {
      const family = someFamily({ rotatedAt: NOW - MAX_AGE });
      await families(sql).open(family, []);
      return family.tokenFamily;
    },
    async revoke(on: Sql, tokenFamily: string, at: number): Promise<void> {
      await families(on).revoke(tokenFamily, { at, reason: 'logout' }, []);
    },
    feed(intervals: { fullRead: number }) {
      const feed = startFeed(sql, intervals);
      stopping.signal.addEventListener('abort', feed.stop);
      running.push(feed.ended);
      return feed;
    },
  };
}

function startFeed(pool: Sql, intervals: { fullRead: number }) {
  const stopping = new AbortController();
  const received = new Set<string>();
  const calls: string[] = [];
  let polls = 0;
  const ended = pollRevocations({
    pool,
    intervals: { poll: 5, ...intervals },
    clock: () => {
      polls += 1;
      return NOW;
    },
    maxAge: MAX_AGE,
    clockSkew: CLOCK_SKEW,
    onRevocation: ({ tokenFamily }) => void received.add(tokenFamily),
    onComplete: () => void calls.push('complete'),
    onLost: () => void calls.push('lost'),
    stop: stopping.signal,
  });
  return {
    received,
    calls,
    ended,
    stop: () => stopping.abort(),
    /** Resolves when `count` polls that began after this call have ended. */
    async waitForPolls(count: number): Promise<void> {
      const before = polls;
      await waitUntil(() => polls > before + count);
    },
  };
}
