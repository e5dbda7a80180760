import t, { type Test } from 'tap';
import { createMemoryCache } from '../../src/adapters/memory/cache.ts';
import { createRedisCache } from '../../src/adapters/redis/cache.ts';
import { connectRedis } from '../../src/adapters/redis/connect.ts';
import { cacheContract } from '../ports/cache.ts';
import { SILENT_LOG } from '../support/key-set.ts';
import { requirePrivateRedis, requireRedis, startPrivateRedis, testPrefix } from '../support/redis.ts';

t.test('the cache in memory', async (t) => {
  await t.test('keeps the contract', async (t) => cacheContract(t, async () => createMemoryCache()));

  await t.test('has a bounded number of entries, and entries of a bounded length', async (t) => {
    const cache = createMemoryCache({ maxEntries: 2, maxLength: 10 });
    for (const key of ['one', 'two', 'one', 'three']) await cache.set(key, key);
    t.same(
      [await cache.get('one'), await cache.get('two'), await cache.get('three')],
      ['one', null, 'three'],
    );
    await cache.set('one', 'eleven long');
    t.equal(await cache.get('one'), null, 'and removes the previous value');
  });
});

t.test('the cache in Redis', async (t) => {
  const url = await requireRedis(t);
  if (url === null) return;
  const redis = await connectRedis(url, SILENT_LOG);
  t.teardown(() => redis.disconnect());

  await t.test('keeps the contract', async (t) =>
    cacheContract(t, async (t: Test) => createRedisCache(redis, { prefix: testPrefix(t, redis) })),
  );

  await t.test('every entry expires', async (t) => {
    const prefix = testPrefix(t, redis);
    await createRedisCache(redis, { prefix }).set('one', 'value');
    t.ok((await redis.pttl(`${prefix}one`)) > 0);
  });
});

t.test('while Redis is unavailable the cache is empty, and no call rejects', async (t) => {
  if (!requirePrivateRedis(t)) return;
  const server = await startPrivateRedis(t);
  const redis = await connectRedis(server.url, SILENT_LOG);
  t.teardown(() => redis.disconnect());
  const cache = createRedisCache(redis);
  const assertUnavailable = async (name: string) => {
    t.equal(await cache.get('one'), null, name);
    await t.resolves(cache.set('one', 'lost'), name);
  };
  await cache.set('one', 'value');
  t.equal(await cache.get('one'), 'value');
  server.freeze();
  await assertUnavailable('frozen');
  server.thaw();
  await server.kill();
  await assertUnavailable('killed');
});
