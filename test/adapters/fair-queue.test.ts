import t from 'tap';
import { createFairQueue } from '../../src/adapters/argon2/fair-queue.ts';

/** Work that the test ends, and the order in which work was started. */
function createWork() {
  const started: string[] = [];
  const ends: (() => void)[] = [];
  return {
    started,
    work: (name: string) => () =>
      new Promise<string>((resolve) => {
        started.push(name);
        ends.push(() => resolve(name));
      }),
    async endNext(): Promise<void> {
      await new Promise(setImmediate); // by now all work that may start has started
      ends.shift()?.();
    },
  };
}

t.test('a network with many requests delays its own requests only', async (t) => {
  const turns = createFairQueue({ maxRunning: 1, maxWaiting: 100, maxWaitingOfNetwork: 10 });
  const { started, work, endNext } = createWork();
  const all = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2'].map((name) => turns(name[0] ?? '', work(name)));
  for (let count = 0; count < all.length; count += 1) await endNext();
  t.same(started, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  t.same(await Promise.all(all), ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2']);
  t.equal(turns.running(), 0);
  t.equal(turns.waiting(), 0);
});

t.test('a network with too many waiting requests is refused, and other networks are not', async (t) => {
  const turns = createFairQueue({ maxRunning: 1, maxWaiting: 4, maxWaitingOfNetwork: 2 });
  const { work, endNext } = createWork();
  const accepted = ['a', 'a', 'a'].map((network) => turns(network, work(network)));
  await t.rejects(turns('a', work('a')), { code: 'unavailable' });
  accepted.push(turns('b', work('b')), turns('c', work('c')));
  await t.rejects(turns('d', work('d')), { code: 'unavailable' }, 'the queue is full');
  t.equal(turns.waiting(), 4);
  for (let count = 0; count < accepted.length; count += 1) await endNext();
  t.equal((await Promise.all(accepted)).length, 5);
});

t.test('the next work starts after work that fails', async (t) => {
  const turns = createFairQueue({ maxRunning: 1, maxWaiting: 4 });
  const failing = turns('a', async () => Promise.reject(new Error('no memory')));
  const next = turns('a', async () => 'done');
  await t.rejects(failing, /no memory/);
  t.equal(await next, 'done');
  t.equal(turns.running(), 0);
});
