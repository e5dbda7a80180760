import type { Test } from 'tap';
import type { Cache } from '../../src/ports/cache.ts';

/** The contract of {@link Cache}. The cache is available and empty. */
export function cacheContract(t: Test, fresh: (t: Test) => Promise<Cache>): void {
  t.test('a key returns the value that was set last', async (t) => {
    const cache = await fresh(t);
    t.equal(await cache.get('one'), null);
    await cache.set('one', 'first');
    await cache.set('one', '{"text":"second \u{1F95B}"}');
    await cache.set('two', '');
    t.equal(await cache.get('one'), '{"text":"second \u{1F95B}"}');
    t.equal(await cache.get('two'), '');
    t.equal(await cache.get('three'), null);
  });
  t.end();
}
