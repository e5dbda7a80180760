import t, { type Test } from 'tap';
import { connect, type Sql } from '../../src/adapters/postgres/connect.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { pollRevocations } from '../../src/adapters/postgres/polling.ts';
import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import { NOW, someFamily } from '../support/families.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';

/** How replicas behind a pooler in transaction mode hear of revocations: by reading them again and again. */

const WORTH_KNOWING = 900_000;
/** Longer than any of these tests. */
const NEVER = 3_600_000;

t.test('the polling feed', async (t) => {
  if (!(await requirePostgres(t))) return;

  await t.test('hears of a revocation that commits 30 s after its revoked_at', async (t) => {
    const { sql, feed, open, revoke } = await setUp(t);
    const tokenFamily = await open();
    const { heard, polled } = feed({ wholeEvery: NEVER });
    await sql.begin(async (tx) => {
      await revoke(tx as unknown as Sql, tokenFamily, NOW - 30_000); // a store takes pools only
      await polled(3);
      t.notOk(heard.has(tokenFamily), 'not before it commits');
    });
    await until(() => heard.has(tokenFamily));
  });

  await t.test('reads everything that is worth knowing again after a while', async (t) => {
    const { sql, feed, open, revoke } = await setUp(t);
    const tokenFamily = await open();
    const often = feed({ wholeEvery: 20 });
    const once = feed({ wholeEvery: NEVER });
    await Promise.all([often.polled(2), once.polled(2)]);
    await revoke(sql, tokenFamily, NOW - WORTH_KNOWING + 1_000);
    await until(() => often.heard.has(tokenFamily));
    await once.polled(5);
    t.notOk(once.heard.has(tokenFamily), 'the overlap alone does not reach so far back');
    t.same(often.calls, ['complete'], 'complete is told once');
  });

  await t.test('is lost at once when a poll fails, and complete after the next whole read', async (t) => {
    const { sql, feed, open, revoke } = await setUp(t);
    const tokenFamily = await open();
    const lost = feed({ wholeEvery: NEVER });
    await lost.polled(2);
    await sql`alter table token_families rename to token_families_away`;
    t.match(await lost.ended, { code: '42P01' });
    t.same(lost.calls, ['complete', 'lost']);
    await sql`alter table token_families_away rename to token_families`;
    await revoke(sql, tokenFamily, NOW - WORTH_KNOWING + 1_000);
    const next = feed({ wholeEvery: NEVER });
    await next.polled(1);
    t.same(next.calls, ['complete']);
    t.ok(next.heard.has(tokenFamily), 'what was missed meanwhile is known by then');
  });

  await t.test('is lost when it is stopped', async (t) => {
    const { feed } = await setUp(t);
    const { polled, stop, ended, calls } = feed({ wholeEvery: NEVER });
    await polled(1);
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
      const family = someFamily();
      await families(sql).open(family, []);
      return family.tokenFamily;
    },
    async revoke(on: Sql, tokenFamily: string, at: number): Promise<void> {
      await families(on).revoke(tokenFamily, { at, reason: 'logout' }, []);
    },
    feed(times: { wholeEvery: number }) {
      const feed = startFeed(sql, times);
      stopping.signal.addEventListener('abort', feed.stop);
      running.push(feed.ended);
      return feed;
    },
  };
}

function startFeed(pool: Sql, times: { wholeEvery: number }) {
  const stopping = new AbortController();
  const heard = new Set<string>();
  const calls: string[] = [];
  let polls = 0;
  const ended = pollRevocations({
    pool,
    times: { pollEvery: 5, ...times },
    clock: () => {
      polls += 1;
      return NOW;
    },
    worthKnowing: WORTH_KNOWING,
    take: ({ tokenFamily }) => void heard.add(tokenFamily),
    onComplete: () => void calls.push('complete'),
    onLost: () => void calls.push('lost'),
    stop: stopping.signal,
  });
  return {
    heard,
    calls,
    ended,
    stop: () => stopping.abort(),
    /** Resolves when so many polls, begun after this call, have ended. */
    async polled(count: number): Promise<void> {
      const before = polls;
      await until(() => polls > before + count);
    },
  };
}

/** The test's own time limit ends it otherwise. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
