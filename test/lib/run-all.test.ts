import t from 'tap';
import { runAll, waitForAll } from '../../src/lib/run-all.ts';
import { sleep } from '../../src/lib/time.ts';

t.test(
  'every step runs, in order, even if steps before it failed; the first failure is reported',
  async (t) => {
    const ran: string[] = [];
    const step = (name: string, error?: Error) => async () => {
      await sleep(1);
      ran.push(name);
      if (error) throw error;
    };
    const throwAtOnce = () => {
      ran.push('b');
      throw new Error('second');
    };
    const steps = [step('a', new Error('first')), throwAtOnce, step('c')];
    await t.rejects(runAll(steps), { message: 'first' });
    t.same(ran, ['a', 'b', 'c']);
    await t.resolves(runAll([step('d')]));
  },
);

t.test('work that continues after a failure is waited for', async (t) => {
  let hasEnded = false;
  const slow = sleep(20).then(() => {
    hasEnded = true;
  });
  await t.rejects(waitForAll([Promise.reject(new Error('first')), slow]), { message: 'first' });
  t.ok(hasEnded);
  await t.resolves(waitForAll([slow]));
});
