import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createRevokedFamilies } from '../../src/adapters/memory/revoked-families.ts';
import { connect, type PostgresAddress, type Sql } from '../../src/adapters/postgres/connect.ts';
import { startRevocationFeed } from '../../src/adapters/postgres/revocation-feed.ts';
import { DETECTION_TIME } from '../../src/adapters/postgres/subscription.ts';
import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import type { RevocationReason } from '../../src/domain/revocation.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { NOW, rotationOf, someFamily } from '../support/families.ts';
import { embeddedStores } from '../support/open-stores.ts';
import { migratedDatabase, requirePostgres } from '../support/postgres.ts';
import { POLICY } from '../support/sessions.ts';
import { proxyTo } from '../support/tcp-proxy.ts';
import { waitUntil } from '../support/wait-until.ts';

const MAX_AGE = POLICY.accessTokenAge + POLICY.clockSkew;

t.test('the list forgets each revocation at its given time', async (t) => {
  const time = { now: NOW };
  const list = createRevokedFamilies(() => time.now);
  t.notOk(list.isComplete(), 'before the first load');
  list.remember('a', 'logout', NOW + 20);
  list.remember('b', 'reuse', NOW + 10);
  list.remember('a', 'logout', NOW + 15);
  t.equal(list.recall('a'), 'logout');
  t.equal(list.recall('c'), null);
  time.now = NOW + 10;
  t.equal(list.recall('b'), null, 'forgotten on time, although an older entry is kept');
  time.now = NOW + 19;
  t.equal(list.recall('a'), 'logout', 'the later time is kept');
  time.now = NOW + 20;
  t.equal(list.recall('a'), null);
});

t.test('a follower gets a revocation again only if its end is later', async (t) => {
  const list = createRevokedFamilies(() => NOW);
  const received: number[] = [];
  list.follow({ onRevoked: ({ until }) => void received.push(until), onIncomplete: () => {} });
  for (const until of [NOW + 10, NOW + 10, NOW + 9, NOW + 20]) list.remember('a', 'logout', until);
  t.same(received, [NOW + 10, NOW + 20]);
});

t.test('the feed of PostgreSQL', async (t) => {
  if (!(await requirePostgres(t))) return;

  t.test('a revocation on one replica reaches the other replica', async (t) => {
    const url = await migratedDatabase(t);
    const one = await startReplica(t, url);
    const other = await startReplica(t, url);
    t.ok(one.list.isComplete());
    t.ok(other.list.isComplete());

    const delays: number[] = [];
    for (let round = 0; round < 200; round += 1) {
      const tokenFamily = await one.open();
      const known = other.whenReceived(tokenFamily);
      await one.revoke(tokenFamily);
      const acknowledged = performance.now();
      delays.push((await known) - acknowledged);
      t.equal(other.list.recall(tokenFamily), 'logout');
    }
    delays.sort((a, b) => a - b);
    const [median = 0, max = 0] = [delays[100], delays.at(-1)].map((ms) => Math.round((ms ?? 0) * 100) / 100);
    t.comment(`known after the acknowledgement: median ${median} ms, max ${max} ms, of ${delays.length}`);
  });

  t.test('only committed revocations and valid payloads reach the list', async (t) => {
    const url = await migratedDatabase(t);
    const { list, sql, families, whenReceived } = await startReplica(t, url);
    const family = someFamily();
    await families.open(family, []);
    await families.rotate(rotationOf(family), []);
    const undone = sql.begin(async (tx) => {
      await createTokenFamilies(tx as unknown as Sql /* a store accepts pools only */, {
        sessionsPerUser: 50,
      }).revoke(family.tokenFamily, { at: NOW, reason: 'logout' }, []);
      throw new Error('never mind');
    });
    await t.rejects(undone, { message: 'never mind' });
    for (const junk of [
      '',
      'x',
      'null',
      '[]',
      `{"token_family":"${family.tokenFamily}","reason":"logout"}`,
    ]) {
      await sql`select pg_notify('kinship_revoked', ${junk})`;
    }
    const last = someFamily();
    await families.open(last, []);
    const known = whenReceived(last.tokenFamily);
    await families.revoke(last.tokenFamily, { at: NOW, reason: 'reuse' }, []);
    await known;
    t.equal(list.recall(family.tokenFamily), null);
    t.ok(list.isComplete());
  });

  t.test('a replica loads the revocations within the maximum age at its start', async (t) => {
    const url = await migratedDatabase(t);
    const time = { now: NOW };
    const one = await startReplica(t, url);
    const recent = await one.open(NOW - MAX_AGE);
    const old = await one.open(NOW - MAX_AGE);
    await one.revoke(recent, NOW - MAX_AGE + 1000, 'reuse');
    await one.revoke(old, NOW - MAX_AGE);
    const { list } = await startReplica(t, url, { clock: () => time.now });
    t.equal(list.recall(recent), 'reuse');
    time.now += 999;
    t.equal(list.recall(recent), 'reuse');
    time.now += 1;
    t.equal(list.recall(recent), null, 'forgotten when its last access token has expired');
    time.now = 0;
    t.equal(list.recall(old), null, 'was not loaded');
  });

  t.test(
    'a family that is rotated while it is being revoked stays listed until its last token expires',
    async (t) => {
      const url = await migratedDatabase(t);
      const time = { now: NOW };
      const { list, open, revoke, whenReceived } = await startReplica(t, url, { clock: () => time.now });
      const rotated = await open(NOW + 3_000);
      const known = whenReceived(rotated);
      await revoke(rotated, NOW);
      await known;
      time.now += MAX_AGE + 2_999;
      t.equal(list.recall(rotated), 'logout');
    },
  );

  t.test('a killed connection is replaced, and the list is then complete', async (t) => {
    const url = await migratedDatabase(t);
    const one = await startReplica(t, url);
    const { proxy, url: through } = await proxyTo(t, url);
    const { list, lines } = await startReplica(t, url, { feedUrl: through });
    t.ok(list.isComplete());
    proxy.refuse(true);
    await one.sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    await waitUntil(() => !list.isComplete());
    const tokenFamily = await one.open();
    await one.revoke(tokenFamily);
    t.equal(list.recall(tokenFamily), null, 'the feed is disconnected');
    // More than one attempt to subscribe fails meanwhile.
    await delay(1200);
    proxy.refuse(false);
    await waitUntil(() => list.isComplete());
    t.equal(list.recall(tokenFamily), 'logout', 'a missed revocation is known when the list is complete');
    t.same(lines, ['info', 'warn', 'info'], 'the loss is logged once');
    await waitUntil(() => one.list.isComplete());
  });

  t.test('a connection that stops answering is detected and replaced', async (t) => {
    const url = await migratedDatabase(t);
    const one = await startReplica(t, url);
    const { proxy, url: through } = await proxyTo(t, url);
    const { list } = await startReplica(t, url, { feedUrl: through });
    await delay(1500);
    t.ok(list.isComplete(), 'while the heartbeats are answered');
    proxy.pause();
    const since = performance.now();
    const tokenFamily = await one.open();
    await one.revoke(tokenFamily);
    await waitUntil(() => !list.isComplete());
    const detected = performance.now() - since;
    // The limit allows for a busy machine. Without the heartbeat the system would detect the loss only after minutes.
    t.ok(detected < DETECTION_TIME + 2000, `detected after ${Math.round(detected)} ms`);
    t.comment(`the loss was detected after ${Math.round(detected)} ms`);
    t.equal(list.recall(tokenFamily), null);
    proxy.resume();
    await waitUntil(() => list.isComplete());
    t.equal(list.recall(tokenFamily), 'logout');
    // The close of the old connection is reported only now.
    proxy.resume();
    await delay(100);
    t.ok(list.isComplete());
  });

  t.test('the pool replaces its connections to a host that disappeared', async (t) => {
    const { proxy, url: through } = await proxyTo(t, await migratedDatabase(t));
    const { list, sql, open } = await startReplica(t, through);
    await Promise.all([sql`select pg_sleep(0.1)`, sql`select pg_sleep(0.1)`]);
    proxy.freezeOpenConnections();
    await Promise.all([t.rejects(open()), t.rejects(open()), t.rejects(open())]);
    await open();
    await waitUntil(() => list.isComplete());
  });

  for (const occupy of ['nothing', 'transactions'] as const)
    t.test(
      `a lost feed replaces the dead connections of the pool (waiting on them: ${occupy})`,
      async (t) => {
        const url = await migratedDatabase(t);
        const { proxy: poolProxy, url: poolUrl } = await proxyTo(t, url);
        const { proxy: feedProxy, url: feedUrl } = await proxyTo(t, url);
        const { list, sql, open } = await startReplica(t, poolUrl, { feedUrl });
        await Promise.all([sql`select pg_sleep(0.1)`, sql`select pg_sleep(0.1)`]);
        poolProxy.freezeOpenConnections();
        if (occupy === 'transactions')
          for (let count = 0; count < 2; count += 1) sql.begin((tx) => tx`select 1`).catch(() => {});
        feedProxy.cut();
        await waitUntil(() => !list.isComplete());
        await waitUntil(() => list.isComplete(), 60_000);
        await open();
      },
    );

  t.test('the list is never complete if LISTEN succeeds but nothing is delivered', async (t) => {
    const { list, lines } = await startReplica(t, await migratedDatabase(t), {
      feedUrl: await migratedDatabase(t),
    });
    t.notOk(list.isComplete());
    t.same(lines, ['warn']);
  });

  t.test('the feed starts and stops without the database, and the list is incomplete', async (t) => {
    const url = await migratedDatabase(t);
    const { proxy, url: through } = await proxyTo(t, url);
    proxy.refuse(true);
    const { list, stop } = await startReplica(t, url, { feedUrl: through });
    t.notOk(list.isComplete());
    await stop();
  });

  t.test('a stopped feed stays stopped', async (t) => {
    const url = await migratedDatabase(t);
    const { list, stop } = await startReplica(t, url);
    await stop();
    t.notOk(list.isComplete());
    await delay(700);
    t.notOk(list.isComplete());
  });
});

t.test('the list of the embedded database is loaded once and then complete until the stop', async (t) => {
  const { sql, families } = await embeddedStores(t);
  const before = someFamily();
  await families.open(before, []);
  await families.revoke(before.tokenFamily, { at: NOW, reason: 'administrator' }, []);
  const list = createRevokedFamilies(() => NOW);
  const address = { kind: 'embedded', socketPath: '' } as const;
  const feed = await startRevocationFeed({
    address,
    sql,
    list,
    policy: POLICY,
    clock: () => NOW,
    log: collectLevels([]),
  });
  t.ok(list.isComplete());
  t.equal(list.recall(before.tokenFamily), 'administrator');
  list.remember('another', 'logout', NOW + 1);
  t.equal(list.recall('another'), 'logout');
  await feed.stop();
  t.notOk(list.isComplete());
});

t.test('the embedded list is loaded again after a statement of unknown outcome', async (t) => {
  const { sql, families } = await embeddedStores(t);
  const list = createRevokedFamilies(() => NOW);
  const address = { kind: 'embedded', socketPath: '' } as const;
  const lines: string[] = [];
  const shared = { address, sql, list, policy: POLICY, clock: () => NOW, log: collectLevels(lines) };
  const feed = await startRevocationFeed(shared);
  feed.noteFailure(new StoreUnavailable('nothing', null));
  feed.noteFailure(new Error('a defect'));
  t.ok(list.isComplete(), 'these statements revoked nothing');

  const lost = someFamily();
  await families.open(lost, []);
  await families.revoke(lost.tokenFamily, { at: NOW, reason: 'logout' }, []);
  feed.noteFailure(new StoreUnavailable('unknown', null));
  feed.noteFailure(new StoreUnavailable('pending', null));
  t.notOk(list.isComplete());
  await waitUntil(() => list.isComplete());
  t.equal(list.recall(lost.tokenFamily), 'logout');
  t.same(lines, ['warn', 'info']);

  feed.noteFailure(new StoreUnavailable('unknown', null));
  await feed.stop();
  t.notOk(list.isComplete());
  feed.noteFailure(new StoreUnavailable('unknown', null));
  t.same(lines, ['warn', 'info', 'warn']);
});

type T = Pick<Test, 'teardown'>;

interface Settings {
  readonly clock?: () => number;
  /** The URL of the feed. The default is that of the pool. */
  readonly feedUrl?: string;
}

/** Starts the parts of a replica: a pool, a list of revocations and its feed. */
async function startReplica(t: T, url: string, { clock = () => NOW, feedUrl = url }: Settings = {}) {
  const sql = connect({ kind: 'url', url, pool: 2 });
  t.teardown(() => sql.end({ timeout: 5 }));
  const families = createTokenFamilies(sql, { sessionsPerUser: 50 });
  const lines: string[] = [];
  const { list, whenReceived } = createObservedList(clock);
  const address: PostgresAddress = { kind: 'url', url: feedUrl, pool: 2 };
  const feed = await startRevocationFeed({
    address,
    sql,
    list,
    policy: POLICY,
    clock,
    log: collectLevels(lines),
  });
  t.teardown(() => feed.stop());
  return {
    sql,
    families,
    list,
    lines,
    whenReceived,
    stop: feed.stop,

    async open(rotatedAt = NOW): Promise<string> {
      const family = someFamily({ rotatedAt });
      await families.open(family, []);
      return family.tokenFamily;
    },

    async revoke(tokenFamily: string, at = NOW, reason: RevocationReason = 'logout'): Promise<void> {
      await families.revoke(tokenFamily, { at, reason }, []);
    },
  };
}

/** A list, and a promise of the time (`performance.now`) at which it receives a revocation. */
function createObservedList(clock: () => number) {
  const waiting = new Map<string, (at: number) => void>();
  const list = createRevokedFamilies(clock);
  const whenReceived = (tokenFamily: string) =>
    new Promise<number>((resolve) => waiting.set(tokenFamily, resolve));
  return {
    whenReceived,
    list: {
      ...list,
      remember(...entry: Parameters<typeof list.remember>) {
        list.remember(...entry);
        waiting.get(entry[0])?.(performance.now());
      },
    },
  };
}

/** Collects the levels of the log lines. */
function collectLevels(lines: string[]) {
  return {
    info: () => void lines.push('info'),
    warn: () => void lines.push('warn'),
    error: () => void lines.push('error'),
  };
}
