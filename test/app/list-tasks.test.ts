import t, { type Test } from 'tap';
import { createMemoryCache } from '../../src/adapters/memory/cache.ts';
import { createRedisCache } from '../../src/adapters/redis/cache.ts';
import { connectRedis } from '../../src/adapters/redis/connect.ts';
import { listTasks } from '../../src/app/tasks/list-tasks.ts';
import type { Cache } from '../../src/ports/cache.ts';
import type { Tasks } from '../../src/ports/stores/tasks.ts';
import type { TaskStores } from '../ports/tasks.ts';
import { someUser } from '../ports/users.ts';
import { NOW } from '../support/families.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';
import { postgresStores } from '../support/open-stores.ts';
import { requireRedis, testPrefix } from '../support/redis.ts';

/** A promise, and the function that resolves it. */
function createSignal() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** `pass` waits until `open` is called. `arrived` resolves once `pass` has been called. */
function createGate() {
  const [arrival, release] = [createSignal(), createSignal()];
  return {
    arrived: arrival.promise,
    open: release.resolve,
    async pass(): Promise<void> {
      arrival.resolve();
      await release.promise;
    },
  };
}

/** A cache, and a function that waits until the last value was stored. */
function observeWrites(cache: Cache) {
  let writing = Promise.resolve();
  return {
    cache: {
      get: cache.get,
      set(key: string, value: string) {
        writing = cache.set(key, value);
        return writing;
      },
    },
    written: () => writing,
  };
}

/** Counts how often the whole list is read from the store. */
function countReads(tasks: Tasks) {
  const lists = { read: 0 };
  const list: Tasks['list'] = (...args) => {
    lists.read += 1;
    return tasks.list(...args);
  };
  return { tasks: { ...tasks, list }, lists };
}

const textsOf = (list: readonly { readonly text: string }[]) => list.map(({ text }) => text);

async function testListTasks(t: Test, stores: TaskStores, cache: Cache): Promise<void> {
  const { tasks, users } = stores;
  const open = async () => {
    const user = someUser();
    await users.create(user, []);
    return user.id;
  };

  await t.test('an unchanged list is read from the database once', async (t) => {
    const owner = await open();
    const { tasks: store, lists } = countReads(tasks);
    const { cache: kept, written } = observeWrites(cache);
    const list = listTasks({ tasks: store, cache: kept });
    const read = async () => {
      const texts = textsOf(await list(owner));
      await written();
      return texts;
    };
    const task = await tasks.create(owner, 'first', NOW);
    t.same([await read(), await read(), lists.read], [['first'], ['first'], 1]);
    await tasks.change(owner, task?.id ?? 0, 'changed');
    const fromStore = await list(owner);
    await written();
    t.same(await list(owner), fromStore, 'the same members from the cache as from the store');
    t.same([await read(), await read(), lists.read], [['changed'], ['changed'], 2]);
    await tasks.remove(owner, task?.id ?? 0);
    t.same([await read(), await read(), lists.read], [[], [], 3]);
  });

  await t.test('an outdated list that a slow reader caches is not used', async (t) => {
    const owner = await open();
    await tasks.create(owner, 'old', NOW);
    const hold = createGate();
    const stored = createSignal();
    const slow = listTasks({
      tasks,
      cache: {
        get: cache.get,
        async set(key, value) {
          await hold.pass();
          await cache.set(key, value);
          stored.resolve();
        },
      },
    });
    t.same(textsOf(await slow(owner)), ['old']);
    await hold.arrived;
    await tasks.create(owner, 'new', NOW);
    hold.open();
    await stored.promise;
    t.match(await cache.get(`tasks:${owner}`), '"old"', 'the slow reader did cache its list');
    t.same(
      textsOf(await listTasks({ tasks, cache })(owner)),
      ['new', 'old'],
      'and the outdated list is not used',
    );
  });

  await t.test('a change between the two queries of a reader does not give a wrong list', async (t) => {
    const owner = await open();
    const { cache: kept, written } = observeWrites(cache);
    const hold = createGate();
    const slow = listTasks({
      cache: kept,
      tasks: {
        ...tasks,
        async list(...args) {
          await hold.pass();
          return tasks.list(...args);
        },
      },
    });
    const reading = slow(owner);
    await hold.arrived;
    await tasks.create(owner, 'new', NOW);
    hold.open();
    t.same(textsOf(await reading), ['new']);
    await written();
    await tasks.create(owner, 'newer', NOW);
    t.same(textsOf(await listTasks({ tasks, cache })(owner)), ['newer', 'new']);
  });

  await t.test('a lost or invalid cache entry does not give a wrong list', async (t) => {
    const owner = await open();
    const list = listTasks({ tasks, cache });
    await tasks.create(owner, 'old', NOW);
    await list(owner);
    const broken = listTasks({ tasks, cache: { get: async () => null, set: async () => {} } });
    await tasks.create(owner, 'new', NOW);
    t.same(textsOf(await broken(owner)), ['new', 'old']);
    t.same(textsOf(await list(owner)), ['new', 'old']);
    for (const junk of ['', 'null', '{', '"text"', '{"tasks":[]}']) {
      await cache.set(`tasks:${owner}`, junk);
      t.same(textsOf(await list(owner)), ['new', 'old'], junk);
    }
  });

  await t.test('a user without an account has no list', async (t) => {
    const owner = someUser().id;
    await t.rejects(listTasks({ tasks, cache })(owner), { code: 'not_found' });
    const gone = { ...tasks, versionOf: async () => 'of an account that is removed this moment' };
    await t.rejects(listTasks({ tasks: gone, cache })(owner), { code: 'not_found' });
  });
}

async function redisCache(t: Test): Promise<Cache | null> {
  const url = await requireRedis(t);
  if (url === null) return null;
  const redis = await connectRedis(url, { info() {}, warn() {}, error() {} });
  t.teardown(() => redis.disconnect());
  return createRedisCache(redis, { prefix: testPrefix(t, redis) });
}

t.test('in memory', async (t) => testListTasks(t, createMemoryStores(), createMemoryCache()));

t.test('in PostgreSQL and Redis', async (t) => {
  const stores = await postgresStores(t);
  const cache = await redisCache(t);
  if (stores !== null && cache !== null) await testListTasks(t, stores, cache);
});

t.test('after a restore the cached lists of lost changes are not used', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { sql, users, tasks } = stores;
  const user = someUser();
  await users.create(user, []);
  const { cache, written } = observeWrites(createMemoryCache());
  const list = listTasks({ tasks, cache });
  await tasks.create(user.id, 'kept', NOW);
  await sql`create table saved_users as select * from users`;
  await sql`create table saved_tasks as select * from tasks`;
  await tasks.create(user.id, 'lost', NOW);
  t.same(textsOf(await list(user.id)), ['lost', 'kept']);
  await written();

  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`; // no trigger fires, as when a backup is restored
    await tx`delete from tasks`;
    await tx`insert into tasks overriding system value select * from saved_tasks`;
    await tx`update users set tasks_version = (select tasks_version from saved_users)`;
  });
  t.same(textsOf(await list(user.id)), ['kept']);
  await written();
  await tasks.create(user.id, 'other', NOW);
  t.same(textsOf(await list(user.id)), ['other', 'kept']);
});
