import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createRevokedFamilies } from '../../src/adapters/memory/revoked-families.ts';
import { connect, type PostgresAddress, type Sql } from '../../src/adapters/postgres/connect.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { startRevocationFeed } from '../../src/adapters/postgres/revocation-feed.ts';
import { SILENCE } from '../../src/adapters/postgres/subscription.ts';
import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import type { RevocationReason } from '../../src/domain/revocation.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { NOW, rotationOf, someFamily } from '../support/families.ts';
import { embeddedStores } from '../support/open-stores.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { POLICY } from '../support/sessions.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';

const WORTH_KNOWING = POLICY.accessTokenAge + POLICY.clockSkew;

t.test('the list', async (t) => {
  const time = { now: NOW };
  const list = createRevokedFamilies(() => time.now);
  t.notOk(list.isComplete(), 'nothing was loaded yet');
  list.remember('a', 'logout', NOW + 20);
  list.remember('b', 'reuse', NOW + 10);
  list.remember('a', 'logout', NOW + 15);
  t.equal(list.recall('a'), 'logout');
  t.equal(list.recall('c'), null);
  time.now = NOW + 10;
  t.equal(list.recall('b'), null, 'forgotten in its time, though it stands behind one that is kept');
  time.now = NOW + 19;
  t.equal(list.recall('a'), 'logout', 'the later end counts');
  time.now = NOW + 20;
  t.equal(list.recall('a'), null);
});

t.test('on PostgreSQL', async (t) => {
  if (!(await requirePostgres(t))) return;

  t.test('a revocation on one replica is known on the other', async (t) => {
    const url = await database(t);
    const one = await replica(t, url);
    const other = await replica(t, url);
    t.ok(one.list.isComplete());
    t.ok(other.list.isComplete());

    const delays: number[] = [];
    for (let round = 0; round < 200; round += 1) {
      const tokenFamily = await one.open();
      const known = other.heard(tokenFamily);
      await one.revoke(tokenFamily);
      const acknowledged = performance.now();
      delays.push((await known) - acknowledged);
      t.equal(other.list.recall(tokenFamily), 'logout');
    }
    delays.sort((a, b) => a - b);
    const [median = 0, max = 0] = [delays[100], delays.at(-1)].map((ms) => Math.round((ms ?? 0) * 100) / 100);
    t.comment(`known after the acknowledgement: median ${median} ms, max ${max} ms, of ${delays.length}`);
  });

  t.test('nothing else is sent, and nothing else is believed', async (t) => {
    const url = await database(t);
    const { list, sql, families, heard } = await replica(t, url);
    const family = someFamily();
    await families.open(family, []);
    await families.rotate(rotationOf(family), []);
    const undone = sql.begin(async (tx) => {
      await createTokenFamilies(tx as unknown as Sql /* a store takes pools alone */, {
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
    const known = heard(last.tokenFamily);
    await families.revoke(last.tokenFamily, { at: NOW, reason: 'reuse' }, []);
    await known;
    t.equal(list.recall(family.tokenFamily), null);
    t.ok(list.isComplete());
  });

  t.test('a replica that starts loads what is still worth knowing', async (t) => {
    const url = await database(t);
    const time = { now: NOW };
    const one = await replica(t, url);
    const recent = await one.open();
    const old = await one.open();
    await one.revoke(recent, NOW - WORTH_KNOWING + 1000, 'reuse');
    await one.revoke(old, NOW - WORTH_KNOWING);
    const { list } = await replica(t, url, { clock: () => time.now });
    t.equal(list.recall(recent), 'reuse');
    time.now += 999;
    t.equal(list.recall(recent), 'reuse');
    time.now += 1;
    t.equal(list.recall(recent), null, 'forgotten when its last access token has expired');
    time.now = 0;
    t.equal(list.recall(old), null, 'was not even loaded');
  });

  t.test('a connection that is killed', async (t) => {
    const url = await database(t);
    const one = await replica(t, url);
    const proxy = await proxied(t, url);
    const { list, lines } = await replica(t, url, { feedUrl: proxy.url });
    t.ok(list.isComplete());
    proxy.refuse(true);
    await one.sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    await until(() => !list.isComplete());
    const tokenFamily = await one.open();
    await one.revoke(tokenFamily);
    t.equal(list.recall(tokenFamily), null, 'cut off');
    // More than one try to subscribe fails meanwhile.
    await delay(1200);
    proxy.refuse(false);
    await until(() => list.isComplete());
    t.equal(list.recall(tokenFamily), 'logout', 'what was missed is known as soon as it is complete');
    t.same(lines, ['info', 'warn', 'info'], 'told once');
    await until(() => one.list.isComplete());
  });

  t.test('a connection that dies without a word', async (t) => {
    const url = await database(t);
    const one = await replica(t, url);
    const proxy = await proxied(t, url);
    const { list } = await replica(t, url, { feedUrl: proxy.url });
    await delay(1500);
    t.ok(list.isComplete(), 'while it is answered');
    proxy.pause();
    const since = performance.now();
    const tokenFamily = await one.open();
    await one.revoke(tokenFamily);
    await until(() => !list.isComplete());
    const noticed = performance.now() - since;
    // Room for a busy machine; without the watch it would take until the system gives the connection up: minutes.
    t.ok(noticed < SILENCE + 2000, `noticed after ${Math.round(noticed)} ms`);
    t.comment(`silence was noticed after ${Math.round(noticed)} ms`);
    t.equal(list.recall(tokenFamily), null);
    proxy.resume();
    await until(() => list.isComplete());
    t.equal(list.recall(tokenFamily), 'logout');
    // The end of the connection that was given up arrives only now.
    proxy.resume();
    await delay(100);
    t.ok(list.isComplete());
  });

  t.test('a machine that is gone without a word takes no connection of the pool with it', async (t) => {
    const proxy = await proxied(t, await database(t));
    const { list, sql, open } = await replica(t, proxy.url);
    await Promise.all([sql`select pg_sleep(0.1)`, sql`select pg_sleep(0.1)`]);
    proxy.strand();
    await Promise.all([t.rejects(open()), t.rejects(open()), t.rejects(open())]);
    await open();
    await until(() => list.isComplete());
  });

  t.test('it is never complete where a LISTEN is accepted and nothing delivered', async (t) => {
    const { list, lines } = await replica(t, await database(t), { feedUrl: await database(t) });
    t.notOk(list.isComplete());
    t.same(lines, ['warn']);
  });

  t.test('it starts, incomplete, without the database, and stops while it tries', async (t) => {
    const url = await database(t);
    const proxy = await proxied(t, url);
    proxy.refuse(true);
    const { list, stop } = await replica(t, url, { feedUrl: proxy.url });
    t.notOk(list.isComplete());
    await stop();
  });

  t.test('it stops for good', async (t) => {
    const url = await database(t);
    const { list, stop } = await replica(t, url);
    await stop();
    t.notOk(list.isComplete());
    await delay(700);
    t.notOk(list.isComplete());
  });
});

t.test('the embedded database: loaded once, and fed by its own process', async (t) => {
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
    log: quiet([]),
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
  const shared = { address, sql, list, policy: POLICY, clock: () => NOW, log: quiet(lines) };
  const feed = await startRevocationFeed(shared);
  feed.noteFailure(new StoreUnavailable('nothing', null));
  feed.noteFailure(new Error('a fault of another kind'));
  t.ok(list.isComplete(), 'nothing can have been revoked');

  const lost = someFamily();
  await families.open(lost, []);
  await families.revoke(lost.tokenFamily, { at: NOW, reason: 'logout' }, []);
  feed.noteFailure(new StoreUnavailable('unknown', null));
  feed.noteFailure(new StoreUnavailable('pending', null));
  t.notOk(list.isComplete());
  await until(() => list.isComplete());
  t.equal(list.recall(lost.tokenFamily), 'logout');
  t.same(lines, ['warn', 'info']);

  feed.noteFailure(new StoreUnavailable('unknown', null));
  await feed.stop();
  t.notOk(list.isComplete());
  feed.noteFailure(new StoreUnavailable('unknown', null));
  t.same(lines, ['warn', 'info', 'warn']);
});

type T = Pick<Test, 'teardown'>;

/** URL of a new database with the schema in it. */
async function database(t: T): Promise<string> {
  const url = await testDatabase(t);
  const sql = connect({ kind: 'url', url, pool: 1 });
  await migrate(sql);
  await sql.end();
  return url;
}

interface Settings {
  readonly clock?: () => number;
  /** Where the feed connects, if not where the pool does. */
  readonly feedUrl?: string;
}

/** What a replica has of it: a pool, a list and its feed. */
async function replica(t: T, url: string, { clock = () => NOW, feedUrl = url }: Settings = {}) {
  const sql = connect({ kind: 'url', url, pool: 2 });
  t.teardown(() => sql.end({ timeout: 5 }));
  const families = createTokenFamilies(sql, { sessionsPerUser: 50 });
  const lines: string[] = [];
  const { list, heard } = listening(clock);
  const address: PostgresAddress = { kind: 'url', url: feedUrl, pool: 2 };
  const feed = await startRevocationFeed({ address, sql, list, policy: POLICY, clock, log: quiet(lines) });
  t.teardown(() => feed.stop());
  return {
    sql,
    families,
    list,
    lines,
    heard,
    stop: feed.stop,

    async open(): Promise<string> {
      const family = someFamily();
      await families.open(family, []);
      return family.tokenFamily;
    },

    async revoke(tokenFamily: string, at = NOW, reason: RevocationReason = 'logout'): Promise<void> {
      await families.revoke(tokenFamily, { at, reason }, []);
    },
  };
}

/** A list that tells when (performance.now) it was told. */
function listening(clock: () => number) {
  const waiting = new Map<string, (at: number) => void>();
  const list = createRevokedFamilies(clock);
  const heard = (tokenFamily: string) => new Promise<number>((resolve) => waiting.set(tokenFamily, resolve));
  return {
    heard,
    list: {
      ...list,
      remember(...entry: Parameters<typeof list.remember>) {
        list.remember(...entry);
        waiting.get(entry[0])?.(performance.now());
      },
    },
  };
}

/** Keeps the levels of what is logged. */
function quiet(lines: string[]) {
  return {
    info: () => void lines.push('info'),
    warn: () => void lines.push('warn'),
    error: () => void lines.push('error'),
  };
}

async function proxied(t: T, url: string) {
  const { hostname, port } = new URL(url);
  const proxy = await tcpProxy(t, { host: hostname, port: Number(port || 5432) });
  const through = new URL(url);
  through.host = `127.0.0.1:${proxy.port}`;
  return { ...proxy, url: through.href };
}

/** The test's own time limit ends it otherwise. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(1);
}
